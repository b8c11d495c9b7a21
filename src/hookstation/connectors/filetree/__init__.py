"""What systems of files have in common: paths, and a connector on a tree of folders."""

from hookstation.connectors.filetree.connector import TreeFiles
from hookstation.connectors.filetree.tree import Part, Tree

__all__ = ["Part", "Tree", "TreeFiles"]
