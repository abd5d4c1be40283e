"""The commands of `interlocal`, a file each; heavy libraries are imported once they are needed."""
