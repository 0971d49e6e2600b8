"""Which leagues and teams does the sandbox know?

Real names, chosen for what they do to software: apostrophes, slashes, full stops, digits, accents and scripts that take
more than one byte a character.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

__all__ = ["LEAGUES", "League", "Team"]


@dataclass(frozen=True, slots=True)
class Team:
    """A football team."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class League:
    """A league, its country and its teams."""

    id: int
    slug: str
    name: str
    country_id: int
    country_slug: str
    country_name: str
    continent: str
    teams: tuple[Team, ...]


_TABLE: Final = (
    (
        ("Kakkonen Group A", "Finland", "Europe"),
        ("PPJ", "JaPS/47", "Åbo IFK", "KäPa", "HJK/Klubi 04", "Jyväskylän JK"),
    ),
    (
        ("FKF Premier League", "Kenya", "Africa"),
        ("Gor Mahia", "AFC Leopards", "Murang'a SEAL", "Tusker", "Ulinzi Stars", "Kariobangi Sharks"),
    ),
    (
        ("2. Bundesliga", "Germany", "Europe"),
        (
            "1. FC Nürnberg",
            "Fortuna Düsseldorf",
            "SpVgg Greuther Fürth",
            "Hannover 96",
            "1. FC Köln",
            "SC Paderborn 07",
        ),
    ),
    (
        ("Série A", "Brazil", "America"),
        ("Grêmio", "São Paulo", "Atlético-MG", "Cuiabá", "Vitória", "Botafogo"),
    ),
    (
        ("Ekstraklasa", "Poland", "Europe"),
        ("Śląsk Wrocław", "Widzew Łódź", "Jagiellonia Białystok", "Pogoń Szczecin", "Lech Poznań", "Cracovia"),
    ),
    (
        ("Ligue 1", "Côte d'Ivoire", "Africa"),
        ("ASEC Mimosas", "Stade d'Abidjan", "Séwé Sport", "Société Omnisports de l'Armée", "AFAD", "FC San Pédro"),
    ),
    (
        ("J1 League", "Japan", "Asia"),
        ("浦和レッズ", "FC東京", "横浜F・マリノス", "Júbilo Iwata", "Gamba Osaka", "Vissel Kobe"),
    ),
)


def _leagues() -> tuple[League, ...]:
    leagues = []
    for number, ((name, country, continent), teams) in enumerate(_TABLE, start=1):
        country_slug = _slug(country)
        leagues.append(
            League(
                id=18_450_000 + number * 10_000,
                slug=f"football/{country_slug}/{_slug(name)}",
                name=name,
                country_id=1_880_000 + number * 10_000,
                country_slug=country_slug,
                country_name=country,
                continent=continent,
                teams=tuple(_team(number * 100 + place, team) for place, team in enumerate(teams)),
            )
        )
    return tuple(leagues)


def _team(number: int, name: str) -> Team:
    return Team(1_140_000_000 + number * 10_000, _slug(name) or f"team-{number}", name)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L"))
    letters = "".join(each for each in plain if each.isascii()).lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


LEAGUES: Final = _leagues()
