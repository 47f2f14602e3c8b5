"""Worked examples of word problems, written for this project, in the four forms that the approaches use.

They show the form and the habit of saying what each calculation is for; none is taken from a data set. Some
have two parts, because people ask two things at once.
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
    "Ben had some stickers. He gave a third of them to his sister, then lost 6, and now has 30. How many stickers "
    "did he have at first?",
    "A garden has 24 rose bushes. There are 25% more tulips than rose bushes, and half as many lilies as roses and "
    "tulips together. How many plants are in the garden?",
)

SENTENCES = (
    "Mia buys 20 / 5 = 4 groups of five lemons.\nEach group costs $2, so she pays 4 * 2 = 8 dollars.\n"
    "She gave $10, so her change is 10 - 8 = 2 dollars.\nAnswer: she pays 8 dollars, her change is 2 dollars",
    "At the first stop 120 / 4 = 30 passengers get off.\n"
    "Then 18 get on, so there are 120 - 30 + 18 = 108 passengers.\n"
    "At the second stop twice as many get on as at the first, which is 2 * 18 = 36.\n"
    "Nobody gets off, so now there are 108 + 36 = 144 passengers.\nAnswer: 144 passengers",
    "For the first 40 hours he earns 40 * 15 = 600 dollars.\nHe worked 46 - 40 = 6 hours of overtime.\n"
    "An hour of overtime pays 15 * 1.5 = 22.50 dollars.\nSo the overtime pays 6 * 22.50 = 135 dollars.\n"
    "In all he earns 600 + 135 = 735 dollars.\nThe tax is 20% of that, 735 * 20 / 100 = 147 dollars.\n"
    "He keeps 735 - 147 = 588 dollars.\nAnswer: 588 dollars",
    "In 6 years both are 6 years older, so today the sum of their ages is 38 - 2 * 6 = 26.\n"
    "Without the 4 years that Lea has more, two times Tom's age is 26 - 4 = 22.\n"
    "So Tom is 22 / 2 = 11 years old.\nLea is 4 years older, so she is 11 + 4 = 15.\n"
    "Answer: Lea is 15 years old, Tom is 11 years old",
    "Before he lost 6 stickers he had 30 + 6 = 36.\n"
    "He had given away a third, so these 36 are two thirds of what he had.\nOne third is 36 / 2 = 18 stickers.\n"
    "So at first he had 18 * 3 = 54 stickers.\nAnswer: 54 stickers",
    "25% of 24 is 24 * 25 / 100 = 6, so there are 24 + 6 = 30 tulips.\nRoses and tulips together are 24 + 30 = 54.\n"
    "There are half as many lilies, 54 / 2 = 27.\nIn all there are 54 + 27 = 81 plants.\nAnswer: 81 plants",
)

PROGRAMS = (
    "groups = 20 / 5\nprice = groups * 2\nchange = 10 - price\nanswer = price, change",
    "off_first = 120 / 4\nafter_first = 120 - off_first + 18\non_second = 2 * 18\nanswer = after_first + on_second",
    "regular_pay = 40 * 15\novertime_hours = 46 - 40\novertime_rate = 15 * 1.5\n"
    "overtime_pay = overtime_hours * overtime_rate\npay = regular_pay + overtime_pay\ntax = pay * 20 / 100\n"
    "answer = pay - tax",
    "sum_today = 38 - 2 * 6\ntom = (sum_today - 4) / 2\nlea = tom + 4\nanswer = lea, tom",
    "before_loss = 30 + 6\none_third = before_loss / 2\nanswer = one_third * 3",
    "roses = 24\ntulips = roses + roses * 25 / 100\nlilies = (roses + tulips) / 2\nanswer = roses + tulips + lilies",
)

EXPLAINED_PROGRAMS = (
    "# 5 lemons cost 2 dollars; Mia buys 20 lemons\ngroups = 20 / 5\nprice = groups * 2\n"
    "# she pays with a 10 dollar note\nchange = 10 - price\nanswer = price, change  # dollars",
    "# 120 passengers at the start; a quarter get off, then 18 get on\non_train = 120 - 120 / 4 + 18\n"
    "# at the second stop twice as many get on as at the first, nobody gets off\n"
    "on_train = on_train + 2 * 18\nanswer = on_train  # passengers",
    "# 15 dollars an hour for the first 40 hours\nregular_pay = 40 * 15\n"
    "# 1.5 times as much for the hours after that; he worked 46\novertime_hours = 46 - 40\n"
    "overtime_pay = overtime_hours * 15 * 1.5\npay = regular_pay + overtime_pay\n"
    "# 20% of his pay went to tax, the rest he kept\nkept = pay - pay * 20 / 100\nanswer = kept  # dollars",
    "# in 6 years the sum of their ages is 38; both are 6 years younger today\n"
    "sum_today = 38 - 2 * 6\n# Lea is 4 years older than Tom: sum_today = tom + tom + 4\n"
    "tom = (sum_today - 4) / 2\nlea = tom + 4\nanswer = lea, tom  # years",
    "# now he has 30, before that he lost 6\nbefore_losing = 30 + 6\n"
    "# before that he gave a third away, so two thirds were left\nat_first = before_losing / 2 * 3\n"
    "answer = at_first  # stickers",
    "# 24 rose bushes\nroses = 24\n# 25% more tulips than rose bushes\n"
    "tulips = roses + roses * 25 / 100\n# half as many lilies as roses and tulips together\n"
    "lilies = (roses + tulips) / 2\n# the plants in all\nanswer = roses + tulips + lilies  # plants",
)

QUESTIONED_PROGRAMS = (
    "# How many groups of 5 lemons does she buy?\ngroups = 20 / 5\n"
    "# How much does she pay, at $2 a group?\nprice = groups * 2\n"
    "# How much change does she get from $10?\nchange = 10 - price\nanswer = price, change  # dollars",
    "# How many passengers are left after a quarter get off?\nleft = 120 - 120 / 4\n"
    "# How many are there after 18 get on?\nafter_first = left + 18\n"
    "# How many get on at the second stop, twice as many as 18?\nsecond = 2 * 18\n"
    "# How many are on the train now?\nanswer = after_first + second  # passengers",
    "# How much does he earn in the first 40 hours?\nregular = 40 * 15\n"
    "# How many hours come after that?\novertime_hours = 46 - 40\n"
    "# How much do they pay, at 1.5 times the rate?\novertime = overtime_hours * 15 * 1.5\n"
    "# How much is the tax of 20%?\ntax = (regular + overtime) * 20 / 100\n# How much did he keep?\n"
    "answer = regular + overtime - tax  # dollars",
    "# What is the sum of their ages today, 6 years earlier for both?\nsum_today = 38 - 2 * 6\n"
    "# How old is Tom, if Lea is 4 years older?\ntom = (sum_today - 4) / 2\n# How old is Lea?\n"
    "lea = tom + 4\nanswer = lea, tom  # years",
    "# How many did he have before he lost 6?\nbefore_losing = 30 + 6\n"
    "# Which share was that, after he gave a third away?\nshare = 1 - 1 / 3\n"
    "# How many did he have at first?\nanswer = before_losing / share  # stickers",
    "# How many tulips are there, 25% more than 24?\ntulips = 24 * 1.25\n"
    "# How many lilies are there, half of roses and tulips together?\nlilies = (24 + tulips) / 2\n"
    "# How many plants are there in all?\nanswer = 24 + tulips + lilies  # plants",
)
