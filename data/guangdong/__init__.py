"""The first study: how 21 cities of Guangdong deliver services for each other's migrants."""

from pathlib import Path

FOLDER = Path(__file__).parent
