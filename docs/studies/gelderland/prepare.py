"""Make the tables of the study from what was downloaded: python prepare.py RAW FOLDER.

README.md says where the three files of RAW come from. FOLDER, which must be there, gets edges.csv,
cities.csv and commuters.csv; dyads are made of them by study.toml alone. Needs pandas.
"""

import sys
from pathlib import Path

import pandas as pd

PROVINCE = "Gelderland"
# how OpenGR spells municipalities of the province: misprints, lists cut at the wrong place, and
# names from before the mergers of 2015
MEMBERS = {
    "Groesbeek": "Berg en Dal",
    "Millingen aan de Rijn": "Berg en Dal",
    "Ubbergen": "Berg en Dal",
    "Oude Ijsselstreek": "Oude IJsselstreek",
    "Overbetuwe,": "Overbetuwe",
    "Waal en Wijchen": "Wijchen",
    "Zevenaar Beuningen": "Zevenaar",
}
# towns and villages in which arrangements have their seat, and whose municipality has another name;
# Hengelo by its postcode, for a larger town of that name is a municipality elsewhere
SEATS = {
    ("Beneden-Leeuwen", "6658 AG"): "West Maas en Waal",
    ("Elst", "6661 NW"): "Overbetuwe",
    ("Groenlo", "7140 AC"): "Oost Gelre",
    ("Hengelo", "7255 ZJ"): "Bronckhorst",
    ("Kerkdriel", "5330 GA"): "Maasdriel",
    ("Lichtenvoorde", "7131 PE"): "Oost Gelre",
    ("Ulft", "7071 AW"): "Oude IJsselstreek",
    ("Warnsveld", "7230 AA"): "Zutphen",
}


def mend(text: str) -> str:
    """Undo the source's encoding: UTF-8 was read as Windows-1252 and written as UTF-8 again."""
    try:
        return text.encode("cp1252").decode("utf-8").strip()
    except UnicodeError:
        return text.strip()


def edges(reported: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """Count the arrangements that each municipality is a member of, by their seats."""
    rows = reported.map(mend)
    rows.columns = ["member", "arrangement", "postcode", "seat", "province"]
    seats = zip(rows["seat"], rows["postcode"], strict=True)
    rows["from"] = rows["member"].replace(MEMBERS)
    rows["to"] = [SEATS.get((seat, postcode), seat) for seat, postcode in seats]
    inside = rows[rows["from"].isin(names) & rows["to"].isin(names) & (rows["from"] != rows["to"])]
    once = inside.drop_duplicates(["from", "arrangement"])
    return once.groupby(["from", "to"]).size().rename("arrangements").reset_index()


def main(raw: Path, folder: Path) -> None:
    """Write the three tables."""
    reported, places, moves = (
        pd.read_csv(raw / name, dtype=str, keep_default_na=False)
        for name in ("opengr_provincies.csv", "municipalities.csv", "commuters.csv")
    )
    code = places.set_index("code")["name"]
    moves = moves.assign(
        **{end: moves[end].map(code) for end in ("from", "to")},
        commuters=moves["commuters"].astype(int),
    )
    cities = places[places["province"] == PROVINCE]
    cities = cities.sort_values("name", key=lambda names: names.str.casefold())
    # commuters who live in it, wherever they work, and who work in it: its own ones in both
    for column, end in (("workers", "from"), ("jobs", "to")):
        total = moves.groupby(end)["commuters"].sum()
        cities[column] = cities["name"].map(total)
    names = set(cities["name"])
    inside = moves[moves["from"].isin(names) & moves["to"].isin(names)]
    for name, table in (
        ("edges", edges(reported, names)),
        ("cities", cities.rename(columns={"name": "city"})),
        ("commuters", inside[["from", "to", "commuters"]]),
    ):
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
