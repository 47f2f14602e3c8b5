"""Worked examples of word problems, written for this project, in the two forms that the approaches use.

They show the form and the habit of naming each quantity; none is taken from a data set. The first and
the last have two parts, because people ask two things at once.
"""

from __future__ import annotations

QUESTIONS = (
    "Lemons are sold at 5 for $2. Mia buys 20 lemons and pays with a $10 note. How much does she pay, and how much "
    "change does she get?",
    "A train leaves with 120 passengers. At the first stop a quarter of them get off and 18 get on. At the second "
    "stop twice as many get on as at the first, and nobody gets off. How many passengers are on the train now?",
    "Omar earns $15 an hour for the first 40 hours of a week and 1.5 times as much for every hour after that. Last "
    "week he worked 46 hours, and 20% of his pay went to tax. How much did he keep?",
    "Lea is 4 years older than Tom. In 6 years the sum of their ages will be 38. How old are Lea and Tom today?",
)

STEPS = (
    "Groups of 5: 20 / 5 = 4.\nPrice: 4 * 2 = 8 dollars.\nChange: 10 - 8 = 2 dollars.\n"
    "Answer: she pays 8 dollars, her change is 2 dollars",
    "Get off at first stop: 120 / 4 = 30.\nAfter first stop: 120 - 30 + 18 = 108.\nGet on at second stop: "
    "2 * 18 = 36.\nNow: 108 + 36 = 144.\nAnswer: 144 passengers",
    "Regular pay: 40 * 15 = 600 dollars.\nOvertime hours: 46 - 40 = 6.\nOvertime rate: 15 * 1.5 = 22.50 dollars.\n"
    "Overtime pay: 6 * 22.50 = 135 dollars.\nPay: 600 + 135 = 735 dollars.\nTax: 735 * 20 / 100 = 147 dollars.\n"
    "Kept: 735 - 147 = 588 dollars.\nAnswer: 588 dollars",
    "Sum of ages today: 38 - 2 * 6 = 26.\nTom today: (26 - 4) / 2 = 11.\nLea today: 11 + 4 = 15.\n"
    "Answer: Lea is 15 years old, Tom is 11 years old",
)

PROGRAMS = (
    "groups = 20 / 5\nprice = groups * 2\nchange = 10 - price\nanswer = price, change",
    "off_first = 120 / 4\nafter_first = 120 - off_first + 18\non_second = 2 * 18\nanswer = after_first + on_second",
    "regular_pay = 40 * 15\novertime_hours = 46 - 40\novertime_rate = 15 * 1.5\n"
    "overtime_pay = overtime_hours * overtime_rate\npay = regular_pay + overtime_pay\ntax = pay * 20 / 100\n"
    "answer = pay - tax",
    "sum_today = 38 - 2 * 6\ntom = (sum_today - 4) / 2\nlea = tom + 4\nanswer = lea, tom",
)
