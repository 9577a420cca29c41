"""The vocabulary of a made-up university: names, places, topics. Combinations are random and mean nobody."""

# Names and titles of many languages are the point of this file.
# ruff: noqa: RUF001

from __future__ import annotations

from typing import Final

UNIVERSITY: Final = "Averholt University"
HOSPITAL: Final = "Averholt University Hospital"
CITY: Final = "Averholt"
COUNTRY: Final = "GB"
DOMAIN: Final = "averholt.example"

FACULTIES: Final = {
    "Faculty of Arts and Humanities": (
        "Department of History",
        "Department of Philosophy",
        "School of Modern Languages",
        "School of Music and Performance",
        "Department of Archaeology",
    ),
    "Faculty of Social Sciences": (
        "Department of Economics",
        "School of Law",
        "Department of Sociology",
        "School of Education",
        "Department of Human Geography",
    ),
    "Faculty of Natural Sciences": (
        "Department of Physics",
        "Department of Chemistry",
        "School of Earth Sciences",
        "School of Biological Sciences",
        "Department of Mathematics",
    ),
    "Faculty of Engineering": (
        "Department of Civil Engineering",
        "Department of Mechanical Engineering",
        "Department of Electrical Engineering",
        "Department of Computer Science",
        "Department of Materials",
    ),
    "Faculty of Medicine and Health": (
        "Department of Public Health",
        "Department of Neuroscience",
        "School of Nursing",
        "School of Pharmacy",
        "School of Dentistry",
    ),
    "Faculty of Land and Environment": (
        "Department of Soil Science",
        "Department of Forestry",
        "Department of Animal Science",
        "Department of Food Technology",
        "Centre for Water Research",
    ),
}

# One word list per faculty, in the same order.
TOPICS: Final = (
    ("guild archives", "vernacular sermons", "court music", "harbour trade", "folk epics", "moral luck",
     "border dialects", "stained glass", "early print", "burial mounds", "travel diaries", "stage design"),
    ("rental markets", "juvenile courts", "rural schooling", "care work", "transit fares", "wage setting",
     "municipal debt", "teacher retention", "land tenure", "voter turnout", "youth mobility", "trade unions"),
    ("spin glasses", "perovskite films", "basalt weathering", "moss genomes", "sparse graphs", "dark photons",
     "zeolite catalysts", "cave sediments", "pollinator networks", "random matrices", "ion traps", "lichens"),
    ("timber bridges", "heat pumps", "power converters", "query planners", "fatigue cracks", "flood barriers",
     "gear noise", "radar imaging", "type inference", "recycled concrete", "hydrogen valves", "thin films"),
    ("sepsis triage", "memory consolidation", "wound care", "drug interactions", "caries prevention",
     "screening uptake", "sleep spindles", "ward staffing", "opioid tapering", "implant stability",
     "air pollution exposure", "stroke recovery"),
    ("peat soils", "ash dieback", "dairy herds", "sourdough starters", "river restoration", "soil carbon",
     "bark beetles", "sheep grazing", "oat proteins", "groundwater nitrate", "microplastics", "hedgerows"),
)  # fmt: skip

ANGLES: Final = (
    "Long-term trends in", "A comparative study of", "Modelling", "Determinants of", "Uncertainty in",
    "Rethinking", "The economics of", "Spatial patterns of", "Early detection of", "Measuring", "Governance of",
    "A field guide to", "New evidence on", "Causes and consequences of", "Scaling laws for", "An atlas of",
    "Machine learning for", "Towards a theory of", "Open data on", "The limits of", "Seasonal variation in",
    "Experimental evaluation of", "Public perceptions of", "A critical history of", "Fast methods for",
)  # fmt: skip
SETTINGS: Final = (
    "in upland catchments", "under climate stress", "in small towns", "across four decades", "at high resolution",
    "in low-income settings", "among young adults", "during reconstruction", "near coastlines", "in cold regions",
    "on shared infrastructure", "beyond the laboratory", "after deregulation", "in multilingual communities",
    "with incomplete records", "under budget constraints", "at the urban fringe", "in northern Europe",
    "in older populations", "over mixed terrain", "in public collections", "before industrialisation",
    "with sparse sensors", "on islands",
)  # fmt: skip
METHODS: Final = (
    "a cohort study", "evidence from panel data", "a mixed-methods inquiry", "results of a pilot trial",
    "a reanalysis", "lessons from five sites", "an archival approach", "a simulation study",
    "a systematic mapping", "an interlaboratory comparison", "first results", "a replication",
    "a Bayesian treatment", "a survey of practitioners", "the 2018 campaign revisited", "a ten-year record",
)  # fmt: skip

FOREIGN_TITLES: Final = (
    ("de", "Über {0}: Beiträge zu einer Neubewertung", "On {0}: contributions to a reassessment"),
    ("fr", "Étude de {0} : une approche régionale", "A study of {0}: a regional approach"),
    ("es", "Investigación sobre {0} en el ámbito rural", "Research on {0} in rural areas"),
    ("pl", "Zagadnienia {0} w świetle źródeł", "Questions of {0} in the light of the sources"),
    ("el", "Μελέτες για {0}", "Studies on {0}"),
)

JOURNAL_STEMS: Final = (
    "Journal of {0}", "Annals of {0}", "{0} Letters", "International Review of {0}", "Advances in {0}",
    "{0} Quarterly", "Proceedings in {0}", "Open {0}", "Archives of {0}", "{0} & Society",
)  # fmt: skip
JOURNAL_FIELDS: Final = (
    "Comparative Heritage", "Regional Policy", "Condensed Systems", "Applied Structures", "Clinical Practice",
    "Landscape Ecology and Use", "Formal Reasoning", "Civic Studies", "Marine Interfaces", "Health Delivery",
    "Computational Methods", "Soil and Water", "Performance Studies", "Energy Conversion", "Cognition Research",
    "Molecular Design",
)  # fmt: skip
PUBLISHERS: Final = (
    "Averholt University Press", "Larkfield Academic", "Nordwall Verlag", "Quill & Harrow", "Sablon Éditions",
    "Open Lantern",
)  # fmt: skip
CONFERENCES: Final = (
    "Workshop on Applied Structures", "Symposium on Civic Data", "International Meeting on Sensing Systems",
    "Conference on Language Contact", "Forum for Clinical Informatics", "Summer School on Random Systems",
)  # fmt: skip
GROUPS: Final = (
    "NORTHFELL Study Group", "The ORBEL Collaboration", "Averholt Cohort Investigators",
    "on behalf of the LANTERN Consortium", "Working Group 4",
)  # fmt: skip
FUNDERS: Final = (
    ("Larkfield Research Trust", "Larkfield", "GB", 7_001),
    ("Norden Science Fund", "Havnby", "DK", 7_002),
    ("Fondation Sablon", "Clairvaux-le-Neuf", "FR", 7_003),
)
OTHER_UNIVERSITIES: Final = (
    ("Universität Nordwall", "Nordwall", "DE", 8_001),
    ("Larkfield Institute of Technology", "Larkfield", "GB", 8_002),
    ("Universidad de Valdeoro", "Valdeoro", "ES", 8_003),
    ("Havnby Universitet", "Havnby", "DK", 8_004),
    ("Sablon School of Economics", "Clairvaux-le-Neuf", "FR", None),
)
DEGREES: Final = ("BA", "BSc", "MSc", "MA", "PhD", "Dr. med.", "Habilitation")
POSTS: Final = (
    "Professor", "Reader", "Senior Lecturer", "Lecturer", "Research Fellow", "Research Associate",
    "Postdoctoral Researcher", "Teaching Fellow", "Clinical Lecturer", "Laboratory Manager",
)  # fmt: skip

FORENAMES: Final = (
    "Ada", "Bram", "Cai", "Daria", "Emeka", "Freya", "Gwilym", "Hana", "Ilse", "Jonas", "Kavita", "Liam", "Marta",
    "Nadia", "Otto", "Priya", "Quentin", "Rosa", "Søren", "Tomasz", "Ursula", "Viktor", "Wei", "Ximena", "Yusuf",
    "Zoë", "Anaïs", "Björn", "Chidi", "Dòmhnall", "Élise", "Fatima", "Grzegorz", "Håkon", "Ioana", "Jürgen",
    "Khadija", "Łucja", "Mehmet", "Núria", "Oluwaseun", "Pádraig", "Rania", "Sébastien", "Thùy", "Aoife", "Vesna",
    "Wanjiru", "Anne-Marie", "Jean-Luc", "Mary Ellen", "Xiao", "Yiannis", "Zsófia", "Þóra", "Dilnoza",
)  # fmt: skip
SURNAMES: Final = (
    "Abernoth", "Brackwell", "Castelmoor", "Dunsfeld", "Eriksvold", "Farrowby", "Gartenau", "Haldorsen",
    "Ibarrueta", "Jasnowski", "Kerrigold", "Lindqvarn", "Mbekani", "Nørrelund", "Okonjima", "Pellegrandi",
    "Quistgaard", "Rosenthorn", "Sørbakken", "Tamborini", "Ulverstane", "Vasconcellar", "Wetherlam", "Xanthaki",
    "Yarborne", "Zielonkowa", "Ålandsen", "Çelikbaş", "Dvořánek", "Fernández-Oyarz", "García Almenara",
    "Högsbro", "Ivanescu-Petrov", "Järvenkoski", "Kołodziejny", "Lévêque-Marin", "MacInverary", "Nguyenh",
    "O'Shaunessy", "Öztürkan", "Přibylák", "Ramaswamyan", "Škorpilov", "Thorvaldsdótter", "Üstünel",
    "van der Hoeven", "von Altenbruck", "de la Cuesta Real", "Wójcikowa", "Yıldızhan", "Zhangli", "Papadimas",
    "Adebayowa", "Brînzeni", "Chaudhuryan", "El-Masrani", "Fjordvik", "Ghorbanizad", "Kimuranaka", "Tran-Leduc",
)  # fmt: skip
