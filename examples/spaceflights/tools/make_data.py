"""Makes the raw data of this example: the same tables each time.

usage: python tools/make_data.py [DIRECTORY]   (default: data/01_raw beside this file's parent)
"""

import csv
import random
import sys
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

SEED = 1969
COMPANIES, SHUTTLES = 1200, 4000
COUNTRIES = ("Chile", "Estonia", "Fiji", "Ghana", "Iceland", "Laos", "Malta", "Niue", "Oman", "Peru", "Tonga", "Wales")
TYPES = {"Type A2": 2, "Type B1": 4, "Type C5": 6, "Type F5": 8, "Type V5": 12}  # and their usual number of seats
ENGINES = {"Plasma": 380, "Quantum": 610, "Nuclear": 450}  # and what one adds to the price
SCORES = ("rating", "comfort", "amenities", "trip", "crew", "location", "price")


def yes_no(rng: random.Random, share: float) -> str:
    return "yes" if rng.random() < share else "no"


def companies(rng: random.Random) -> list[list]:
    rows = [["id", "company_rating", "company_location", "fleet_size", "certified"]]
    for number in rng.sample(range(10_000, 99_999), COMPANIES):
        rating = f"{min(100, max(5, round(rng.gauss(72, 22))))}%" if rng.random() < 0.95 else ""
        rows.append([number, rating, rng.choice(COUNTRIES), 1 + int(rng.expovariate(0.3)) % 20, yes_no(rng, 0.6)])
    return rows


def shuttles(rng: random.Random, owners: list[list]) -> list[list]:
    rows = [["id", "shuttle_type", "engine_type", "engines", "passenger_capacity", "crew", "safety_check_complete",
             "moon_clearance", "price", "company_id"]]
    for number in rng.sample(range(100_000, 999_999), SHUTTLES):
        kind, engine = rng.choice(list(TYPES)), rng.choice(list(ENGINES))
        engines, crew = rng.randint(1, 4), rng.randint(1, 6)
        seats = max(1, TYPES[kind] + rng.randint(-1, 3))
        checked, cleared, owner = yes_no(rng, 0.8), yes_no(rng, 0.4), rng.choice(owners)
        price = 700 + ENGINES[engine] * engines + 95 * seats + 130 * crew + 800 * (cleared == "yes") + rng.gauss(0, 150)
        rows.append([number, kind, engine, engines, seats, crew, checked, cleared, f"${price:,.2f}", owner[0]])
    return rows


def reviews(rng: random.Random, reviewed: list[list]) -> list[list]:
    rows = [["shuttle_id", *(f"review_scores_{name}" for name in SCORES), "number_of_reviews", "reviews_per_month"]]
    for shuttle in reviewed:
        count = int(rng.expovariate(0.06))
        scores = [min(100, round(rng.gauss(90, 8))), *(min(10, round(rng.gauss(9, 1))) for _ in SCORES[1:])]
        monthly = round(count / rng.uniform(6, 40), 2)
        rows.append([shuttle[0], *(scores if count else [""] * len(SCORES)), count, monthly if count else ""])
    return rows


def write_csv(path: Path, rows: list[list]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_xlsx(path: Path, rows: list[list]) -> None:
    book = Workbook()
    book.properties.created = book.properties.modified = datetime(1969, 7, 20)
    for row in rows:
        book.active.append(row)
    book.save(path)


def main(directory: Path) -> None:
    rng = random.Random(SEED)
    directory.mkdir(parents=True, exist_ok=True)
    owners = companies(rng)
    fleet = shuttles(rng, owners[1:])
    write_csv(directory / "companies.csv", owners)
    write_xlsx(directory / "shuttles.xlsx", fleet)
    write_csv(directory / "reviews.csv", reviews(rng, fleet[1:]))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data" / "01_raw")
