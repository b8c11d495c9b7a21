"""For whom: commands. Data on stdout, messages on stderr, exit 0 done, 1 failed, 2 wrong use."""
