"""``python -m hookstation``."""

from hookstation.wiring import main

main()
