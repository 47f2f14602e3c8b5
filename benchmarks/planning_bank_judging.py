"""Phrases to judge by: written before the extractor was changed, and not opened while it was.

Nothing here is looked at to decide what the extractor reads; figures on it are in docs/log.md.
"""

from __future__ import annotations

from benchmarks.planning_composed import Bank

BANK = Bank(
    calendar={
        "opening": (
            "Could you see when {people} might sit down together for {length}? Consider only {days}, no sooner than "
            "{a} and wrapped up by {b}.",
            "{people} owe each other a conversation ({length}). It must sit somewhere inside {a} to {b}, {days}.",
            "Please pencil in {length} for {people}. We keep hours of {a} to {b}; {days} are the days in play.",
            "I'm trying to line up {people} for {length} on {days}. Nobody is around before {a} or after {b}.",
            "When could {people} squeeze in {length}? {days}, some time from {a} until {b}.",
            "Objective: get {people} in one room. Duration: {length}. Candidate days: {days}. Daily "
            "window: {a} to {b}.",
        ),
        "span": ("{a} to {b}", "from {a} till {b}", "between {a} and {b}", "{a} - {b}"),
        "busy day": (
            "{who} has other obligations on {day} {spans}.",
            "On {day}, don't count on {who} {spans}.",
            "{day} {spans} doesn't work for {who}.",
            "{who} will be in client calls on {day} {spans}.",
            "{who}'s {day} already holds something {spans}.",
            "{day}: {who} is in the lab {spans}.",
            "You will not get hold of {who} on {day} {spans}.",
        ),
        "busy week": (
            "{who} has prior engagements: {days}.",
            "{who} is spoken for {days}.",
            "Times that clash for {who}: {days}.",
            "{who} is running training {days}.",
            "{who} can't be disturbed {days}.",
            "Already pencilled in for {who}: {days}.",
        ),
        "free": (
            "{who} has a clean slate.",
            "{who} can fit in whenever suits the rest.",
            "There is not a single entry in {who}'s planner.",
            "{who} is at your disposal throughout.",
            "No clashes at all for {who}.",
        ),
        "wish day": (
            "{who} is on leave {day}.",
            "{day} is a no-go for {who}.",
            "{who} begs you to spare them {day}.",
            "{who} doesn't come in on {day}.",
        ),
        "wish before": (
            "{who} isn't an early bird: nothing on {day} until {at}.",
            "{who} won't get in before {at} on {day}.",
            "On {day} {who} joins from {at} at the earliest.",
            "Anything earlier than {at} on {day} is no good for {who}.",
        ),
        "wish after": (
            "{who} picks up the kids on {day}, so must be finished by {at}.",
            "On {day}, {who} is out the door at {at}.",
            "Anything later than {at} on {day} is no good for {who}.",
            "{who} wants to call it a day at {at} on {day}.",
        ),
        "early": (
            "Sooner rather than later, please.",
            "If several work, give me the very first.",
            "Choose the first opening there is.",
            "We are in a hurry.",
        ),
    },
    meeting={
        "start": (
            "My starting point is {place}, and the clock starts at {at}.",
            "I step off the bus at {place} at {at}.",
            "At {at} I check out of my hotel at {place}.",
            "Expect me in {place} as of {at}.",
            "{at} finds me at {place}.",
        ),
        "friend": (
            "{who} can be found at {place} from {a} to {b}; I'd need {length} with {who}.",
            "Coffee with {who} ({place}) should run for {length} or longer. {who} shows up at {a} "
            "and heads off at {b}.",
            "{who} works a shift at {place}, {a} till {b}. Catching up would take {length}.",
            "Set aside {length} for {who}, whose window at {place} is {a} to {b}.",
            "{who} - {place} - available {a} through {b} - minimum {length}.",
            "Between {a} and {b} {who} hangs about {place}, and anything under {length} with {who} would be rude.",
        ),
        "heading": (
            "Getting around:",
            "On foot it goes like this:",
            "Distances, in minutes:",
            "Transit:",
        ),
        "way": (
            "Going from {a} to {b} costs {n} minutes.",
            "{a} to {b} = {n} min.",
            "Reckon with {n} minutes for the leg {a} to {b}.",
            "{a} => {b}: {n}",
            "You reach {b} from {a} in {n} minutes.",
        ),
        "hub": (
            "Leaving {a}, count on {list}.",
            "{a} has these travel times: {list}.",
            "Starting out at {a} you need {list}.",
            "{a}: {list}.",
        ),
        "spoke": ("{n} minutes for {b}", "{n} min to {b}", "{b} in {n} min", "{b} = {n} min"),
        "goal": (
            "Pack in as many friends as the day allows.",
            "How do I see the largest number of them?",
            "I care about the head count: more faces, better day.",
            "Whom do I see, and when?",
        ),
    },
    trip={
        "total": (
            "I can be away for {n} days.",
            "{n} days from start to finish is what we've got.",
            "Our odyssey spans {n} days.",
            "The journey must last precisely {n} days.",
            "Time available: {n} days.",
        ),
        "total nights": (
            "We have {n} nights to hand out.",
            "The trip runs to {n} nights.",
            "{n} nights is the length of the journey.",
        ),
        "stay": (
            "{city} gets {n} days of my time.",
            "I'll give {city} {n} days.",
            "Of these, {n} days belong to {city}.",
            "{city}, {n} days.",
            "Budget {n} days for {city}.",
            "My stop in {city} lasts {n} days.",
        ),
        "night": (
            "{n} nights go to {city}.",
            "Book {n} nights in {city}.",
            "{city}: {n} nights.",
            "In {city} we sleep {n} nights.",
        ),
        "one night": ("One night goes to {city}.", "Book one night in {city}.", "{city}: one night."),
        "event": (
            "An old friend marries in {city}: days {a} to {b} are taken up by that.",
            "Day {a} through day {b} has to find me in {city}.",
            "My {city} workshop occupies day {a} to day {b}.",
            "During days {a}-{b} I am expected in {city}.",
            "I hold tickets in {city} covering days {a} until {b}.",
        ),
        "both ways": (
            "{a} and {b} have a nonstop in each direction.",
            "Planes shuttle between {a} and {b}.",
            "You can hop from {a} to {b} and from {b} to {a}.",
            "{a} is linked to {b}, in both directions.",
        ),
        "one way": (
            "You can hop from {a} to {b}, never the reverse.",
            "{a} feeds {b}, not the other way round.",
            "From {a} there's a nonstop to {b} that doesn't run in reverse.",
        ),
        "links": (
            "The airlines offer {list}.",
            "Nonstops on the map: {list}.",
            "What flies without a stop: {list}.",
        ),
        "pair": ("{a} and {b}", "{a}–{b}", "{a} to {b} and back", "{a} with {b}"),
        "pair one way": ("{a} to {b} (outbound only)", "{a} → {b}", "from {a} to {b} but not back"),
        "goal": (
            "Sort out the sequence for me.",
            "In which order should I go?",
            "Give me a workable sequence, nonstops only.",
        ),
    },
    clocks=(
        "spoken",
        "american",
        "american dots",
        "american upper",
        "digital",
        "digital short",
        "continental",
        "british",
    ),
    lengths=("words", "hours", "minutes", "mins", "compact", "decimal"),
)
