# SPDX-License-Identifier: Apache-2.0
"""The made-up merchants and terminals that the example payments go through."""
from dataclasses import dataclass

import numpy as np

# mcc: (share of payments, typical amount in EUR, sold online too, names as they stand on a statement)
MCC = {
    5411: (0.24, 32, False, ("SUPERMARCHE DU MARCHE", "FRESH BASKET", "KAUFLADEN", "EPICERIE CENTRALE", "MERCADO SOL")),
    5812: (0.13, 27, False, ("CAFE DU COIN", "TRATTORIA ROMA", "BRASSERIE DE LA GARE", "GASTHAUS KRONE", "EL PATIO")),
    5814: (0.10, 11, False, ("BURGER POINT", "SUSHI BAR", "KEBAB HOUSE", "PIZZA PRONTO", "BAGEL CORNER")),
    5541: (0.09, 55, False, ("STATION SERVICE NORD", "AUTOHOF TANKSTELLE", "GAS AND GO", "ESTACION A7")),
    5912: (0.05, 19, False, ("PHARMACIE DU PARC", "APOTHEKE AM RING", "FARMACIA VERDE")),
    5651: (0.07, 58, True, ("MODE ET CIE", "DENIM STORE", "KLEIDERHAUS", "BOUTIQUE LINA")),
    4111: (0.08, 6, False, ("METRO LINES", "TRANSPORT URBAIN", "STADTBAHN TICKET")),
    5732: (0.04, 170, True, ("ELECTRO WORLD", "DIGITAL PLANET", "TECHNIK MARKT")),
    5944: (0.01, 260, True, ("BIJOUTERIE ETOILE", "GOLD AND TIME")),
    5942: (0.04, 22, True, ("AMAZON MKTPLACE", "LIBRAIRIE DES ARTS", "BOOK BARN")),
    6051: (0.01, 150, True, ("COIN EXCHANGE", "GIFT CARD HUB")),
    7995: (0.02, 40, True, ("LUCKY BET", "CASINO EN LIGNE")),
    4722: (0.03, 190, True, ("VOYAGES SOLEIL", "FLY AND STAY", "REISEBUERO MEER")),
    7011: (0.03, 120, False, ("HOTEL BELLEVUE", "PENSION ALPENBLICK", "HOSTAL MAR")),
    5818: (0.06, 9, True, ("PAYPAL *STREAMIX", "APP STORE PLUS", "GAMES UNLIMITED", "SUMUP *WEB SHOP")),
}
RISKY_MCC = (5732, 5944, 6051, 5818, 7995)  # what stolen numbers are spent on

COUNTRIES = {  # share of cards, cities
    "FR": (0.55, ("PARIS", "LYON", "LILLE", "NANTES", "STRASBOURG", "MARSEILLE")),
    "DE": (0.15, ("BERLIN", "HAMBURG", "KOELN", "MUENCHEN")),
    "ES": (0.10, ("MADRID", "BARCELONA", "SEVILLA")),
    "IT": (0.08, ("ROMA", "MILANO", "TORINO")),
    "BE": (0.06, ("BRUXELLES", "LIEGE", "GENT")),
    "GB": (0.03, ("LONDON", "LEEDS")),
    "US": (0.02, ("NEW YORK", "SEATTLE")),
    "LU": (0.01, ("LUXEMBOURG",)),
}

MCC_CODES = np.array(list(MCC), np.int64)
MCC_SHARES = np.array([share for share, *_ in MCC.values()])
COUNTRY_CODES = np.array(list(COUNTRIES))
COUNTRY_SHARES = np.array([share for share, _ in COUNTRIES.values()])


@dataclass(frozen=True)
class Terminals:
    """Where payments happen; arrays by terminal index."""

    merchant: np.ndarray  # text, such as "DENIM STORE"
    country: np.ndarray  # index into COUNTRY_CODES
    mcc: np.ndarray  # index into MCC_CODES
    online: np.ndarray  # bool
    typical: np.ndarray  # EUR
    descriptor: np.ndarray  # text, as on a card statement


def make_terminals(rng: np.random.Generator, count: int) -> Terminals:
    mcc = rng.choice(len(MCC_CODES), count, p=MCC_SHARES / MCC_SHARES.sum())
    country = rng.choice(len(COUNTRY_CODES), count, p=COUNTRY_SHARES / COUNTRY_SHARES.sum())
    sells_online = np.array([online for _, _, online, _ in MCC.values()])[mcc]
    online = sells_online & (rng.random(count) < 0.6)
    typical = np.array([amount for _, amount, _, _ in MCC.values()], float)[mcc] * rng.lognormal(0, 0.25, count)
    pick = rng.integers(0, 1 << 30, (3, count))
    merchants, descriptors = [], []
    for i in range(count):
        names = MCC[int(MCC_CODES[mcc[i]])][3]
        code = str(COUNTRY_CODES[country[i]])
        cities = COUNTRIES[code][1]
        place = cities[pick[1, i] % len(cities)]
        branch = f" {pick[2, i] % 90 + 10}" if pick[2, i] % 3 == 0 else ""
        merchants.append(names[pick[0, i] % len(names)])
        descriptors.append(f"{merchants[-1]}{branch} {place} {code}")
    return Terminals(np.array(merchants, object), country, mcc, online, typical, np.array(descriptors, object))
