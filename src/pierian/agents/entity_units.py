"""Units, currencies and time zones that are written alike in many languages, and the English words for units.

Only what is unambiguous is here: `"` is no inch, `p` no penny, and zone letters with two meanings (IST, AST) are left
out, so that such a time stays one of the user's own zone.
"""

from __future__ import annotations

MEASURES = {
    "km kilometre kilometres kilometer kilometers": "km",
    "m metre metres meter meters": "m",
    "cm centimetre centimetres centimeter centimeters": "cm",
    "mm millimetre millimetres millimeter millimeters": "mm",
    "mi mile miles": "mi",
    "yd yard yards": "yd",
    "ft foot feet": "ft",
    "inch inches": "in",
    "m² sqm": "m²",
    "km²": "km²",
    "m³": "m³",
    "hectare hectares": "ha",
    "acre acres": "acre",
    "kg kilo kilos kilogram kilograms": "kg",
    "g gram grams": "g",
    "mg milligram milligrams": "mg",
    "tonne tonnes": "t",
    "lb lbs": "lb",
    "oz ounce ounces": "oz",
    "l L litre litres liter liters": "l",
    "ml mL millilitre millilitres milliliter milliliters": "ml",
    "cl cL": "cl",
    "cup cups": "cup",
    "tbsp tablespoon tablespoons": "tbsp",
    "tsp teaspoon teaspoons": "tsp",
    "km/h kph": "km/h",
    "mph": "mph",
    "m/s": "m/s",
    "°C celsius": "°C",
    "°F fahrenheit": "°F",
    "° degree degrees": "°",
    "%": "%",
    "W watt watts": "W",
    "kW": "kW",
    "kWh": "kWh",
    "kcal calories": "kcal",
    "kB KB": "kB",
    "MB megabyte megabytes": "MB",
    "GB gigabyte gigabytes": "GB",
    "TB terabyte terabytes": "TB",
    "night nights": "night",
}
"""How each unit is written; what is not all small letters counts only in this very spelling."""

MONEY_SIGNS = {
    **{"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH"},
    **{"US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD"},
    **{"R$": "BRL", "zł": "PLN", "Kč": "CZK", "₪": "ILS", "₫": "VND", "฿": "THB"},
}

MONEY_CODES = frozenset(
    (
        "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD "
        "PHP PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
    ).split()
)

ZONES = {
    **{"UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180},
    **{"EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "JST": 540},
}
"""Minutes east of Greenwich."""
