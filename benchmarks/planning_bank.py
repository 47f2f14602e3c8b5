"""Phrases to develop on: notes, mail, minutes of talk, British and American, 24 and 12 hours, lengths in words."""

from __future__ import annotations

from benchmarks.planning_composed import Bank

BANK = Bank(
    calendar={
        "opening": (
            "Need a slot, {length}, {people}. {a}-{b} only. {days}.",
            "Hi! Any chance you'd find {length} where {people} can all talk? We're at work {a} to {b}, and it "
            "has to be {days}.",
            "{people} have to catch up for {length}, {days}, never earlier than {a} and never past {b}.",
            "The committee ({people}) convenes for {length}. Admissible days: {days}. "
            "Admissible hours: {a} until {b}.",
            "Would you kindly slot {people} in for {length} on {days}? The building is open {a} to {b}.",
            "I want {people} on one call. It'll run {length}. {days} would do, within {a}–{b}.",
        ),
        "span": ("{a}-{b}", "from {a} to {b}", "{a} until {b}", "between {a} and {b}"),
        "busy day": (
            "{who} sees the dentist on {day} {spans}.",
            "{who} is on a train {day} {spans}.",
            "{day} {spans} is gone for {who}.",
            "{who} has the plumber in on {day} {spans}.",
            "On {day} {who} is stuck in reviews {spans}.",
            "{who}: no, {day} {spans}.",
            "{who}'s calendar shows things on {day} {spans}.",
        ),
        "busy week": (
            "{who} is teaching {days}.",
            "{who} must be left in peace {days}.",
            "Forget {who} {days}.",
            "{who}: {days}.",
            "{who} is travelling {days}.",
        ),
        "free": (
            "{who} doesn't mind when.",
            "{who} has all the time in the world.",
            "{who}: free as a bird.",
            "{who} will adapt to the others.",
            "Nothing on for {who}.",
        ),
        "wish day": (
            "{who} hates {day}.",
            "{who}: not {day}.",
            "Spare {who} the {day}, will you.",
            "{who} stays home on {day}.",
        ),
        "wish before": (
            "{who} sleeps in on {day} and shows up at {at}.",
            "{day} before {at} is too early for {who}.",
            "{who} cannot start ahead of {at} on {day}.",
            "Until {at} on {day}, {who} is asleep.",
        ),
        "wish after": (
            "{who} heads home on {day} at {at}.",
            "{day} past {at} is too late for {who}.",
            "{who} has a plane to catch: on {day} it must be over by {at}.",
            "From {at} onwards on {day}, {who} is no use to anybody.",
        ),
        "early": (
            "The earlier the better.",
            "Give me the first one that fits.",
            "It's urgent, so take the earliest.",
        ),
    },
    meeting={
        "start": (
            "I'm at {place} from {at}.",
            "My plane lands in {place} at {at}.",
            "{at}, {place}: off I go.",
            "The tour kicks off at {place}, {at}.",
            "I come out of {place} at {at}.",
        ),
        "friend": (
            "{who} sits in {place} from {a} to {b}. Give {who} {length}.",
            "Lunch with {who} takes {length}; {who} has time between {a} and {b}, in {place}.",
            "{who} @ {place}, {a}-{b}, {length}.",
            "In {place} there's {who}, from {a} until {b}, who deserves {length}.",
            "For {who} plan {length} - {place}, not before {a}, and gone after {b}.",
            "{length} for {who}, please. {who} is stationed at {place} ({a} to {b}).",
        ),
        "heading": (
            "Ways:",
            "By tram:",
            "Minutes from door to door:",
            "Here's how far apart things are.",
        ),
        "way": (
            "{a} to {b} {n} minutes.",
            "It's {n} min from {a} to {b}.",
            "Between leaving {a} and reaching {b} lie {n} minutes.",
            "{a}/{b}: {n} min.",
            "The tram from {a} to {b} needs {n} minutes.",
        ),
        "hub": (
            "From {a} one needs {list}.",
            "{a} is {list}.",
            "{a} -> {list}.",
            "Departing {a}: {list}.",
        ),
        "spoke": ("{n} minutes from {b}", "{n} min to {b}", "{b} {n}", "{b} ({n} min)"),
        "goal": (
            "Squeeze in everybody you can.",
            "I hate missing people, so make it as many as can be done.",
            "The most friends wins.",
        ),
    },
    trip={
        "total": (
            "The whole thing is {n} days long.",
            "We leave for {n} days.",
            "{n} days, no more and no less.",
            "Our leave is {n} days.",
        ),
        "total nights": (
            "That makes {n} nights altogether.",
            "We are gone for {n} nights.",
            "{n} nights, all told.",
        ),
        "stay": (
            "{n} days are for {city}.",
            "Put down {city} for {n} days.",
            "{city} is worth {n} days.",
            "We'll hang around {city} for {n} days.",
            "Then there is {city} ({n} days).",
        ),
        "night": (
            "{n} nights at a hotel in {city}.",
            "{city} takes {n} nights.",
            "We stay over in {city} for {n} nights.",
        ),
        "one night": (
            "{n} night at a hotel in {city}.",
            "{city} takes {n} night.",
            "We stay over in {city} for {n} night.",
        ),
        "event": (
            "My brother's graduation keeps me in {city} on days {a} to {b}.",
            "The fair in {city} runs from day {a} to day {b} and I exhibit.",
            "Days {a}-{b}: {city}, family matters.",
            "I've promised to be in {city} between days {a} and {b}.",
            "From day {a} up to day {b}, a course in {city}.",
        ),
        "both ways": (
            "There are planes from {a} to {b} and vice versa.",
            "{a} <-> {b} works.",
            "One gets from {a} to {b} nonstop, and back too.",
            "{a} and {b} are joined by a direct service.",
        ),
        "one way": (
            "From {a} one gets to {b} nonstop, though not back.",
            "{a} -> {b} works, but only that way.",
            "There are planes from {a} to {b} only, nothing back.",
        ),
        "links": (
            "Direct: {list}.",
            "Airlines connect {list}.",
            "We can only use these hops: {list}.",
        ),
        "pair": ("{a} with {b}", "{a}/{b}", "{a} and {b}", "{a}-{b}"),
        "pair one way": ("{a} to {b} only", "{a} > {b}", "from {a} to {b} (no return)"),
        "goal": (
            "Which comes when?",
            "Put them in order.",
            "Please tell me the route.",
        ),
    },
    clocks=("spoken", "american", "american spaced", "digital", "continental", "military", "british"),
    lengths=("words", "hours", "minutes", "min", "compact"),
)
