"""Writes oracle/tables.json: small CSV files and what pandas reads in them, for the Rust tests to compare against.

The file names pandas' version and has a list of cases:

name      the feature that the case is about, and its number
text      the CSV file
options   what the reader has to be told, if anything: separator, decimal, thousands
columns   name, kind (number, text, truth) and values, with null for a missing cell

A number is written so that reading it as f64 gives back the exact value. It is the nearest one to the decimal digits
of the cell: pandas reads with float_precision="round_trip", and its integers are rounded once, to f64.

Where a cell says in another way what it means than pandas' defaults expect (separator, decimal comma, thousands,
comments, spaces), pandas is told so. Chainrule's reader is told only what stands in options and finds the rest.

Every cell is made from a value; a case is written only if pandas reads that very value. Left out is what Chainrule
takes in another way on purpose: white space around cells, its further missing words, numbers with leading zeros,
dates, infinities, and texts in a column that is nearly all numbers.

The generator of each case is seeded from its name: adding a case changes no other.
Run it with `oracle/.venv/bin/python oracle/make_tables.py`.
"""

import io
import json
import math
import random
import re
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pandas

DESTINATION = Path(__file__).resolve().parent / "tables.json"
MOST_BYTES = 600_000

# The default that pandas recommends in its place need not round correctly in every version.
warnings.filterwarnings("ignore", "The 'float_precision' argument is deprecated")

MISSING_WORDS = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
"""pandas' default set."""

NAMES = [
    "width", "depth", "height", "mass", "speed", "price", "city", "kind", "colour", "shape", "grade", "flow", "load",
    "angle", "score", "region", "weight in kg", "net income", "Sepal.Length", "unit_price", "maker", "rate",
]  # fmt: skip
UNICODE_NAMES = ["größe", "身長", "цена", "prénom", "ひと", "naïve Größe", "λ", "température (°C)", "😀", "שם", "عدد"]
WORDS = ["oslo", "bergen", "red", "green", "blue", "oak", "pine", "birch", "iron", "brass", "small", "large", "Lyon"]
PHRASES = ["new york", "san juan de la cruz", "very  wide", "a b c", "made in 2 parts", "light grey", "up to 5 kg"]
UNICODE_TEXTS = ["Zürich", "東京", "Москва", "São Paulo", "Kraków", "Ελλάδα", "😀🎉", "e\u0301te", "ﬁn", "İzmir", "𝔘𝔫𝔦"]
NEARLY_NUMBERS = [
    "12a", "1e", "e5", "0x1F", "--5", "5-", "+", "1e5x", "1..2", "+-3", "1e5e5", "12 cm", "x7", "3rd", "1d5",
]  # fmt: skip
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
LINE_ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


# ------------------------------------------------------------------------------ columns


@dataclass
class Column:
    name: str
    kind: str
    cells: list[str]
    """As they stand in the file, before they are quoted."""
    values: list
    """What they mean; None where missing."""


def numbers(name, cells):
    return Column(name, "number", cells, [float(cell) for cell in cells])


def integers(draw, rows, name):
    return numbers(name, [str(draw.choice([-1, 1]) * draw.randint(2, 99_999)) for _ in range(rows)])


def decimals(draw, rows, name):
    places = draw.choice([1, 2, 4])
    return numbers(name, [f"{draw.uniform(-500, 500):.{places}f}" for _ in range(rows)])


def three_places(draw, rows, name):
    """Each point stands where a mark between thousands could stand as well."""
    return numbers(name, [f"{draw.uniform(-500, 500):.3f}" for _ in range(rows)])


def long_integers(draw, rows, name):
    """Beyond 2^53, where not every integer is a double; some lie halfway between two of them."""

    def cell():
        power = draw.randint(53, 62)
        halfway = 2**power + 2 ** (power - 53) * (2 * draw.randint(0, 1000) + 1)
        number = draw.choice([halfway, halfway - 1, halfway + 1, draw.randint(2**53, 2**63 - 1)])
        return str(draw.choice([-1, 1]) * min(number, 2**63 - 1))

    return numbers(name, [cell() for _ in range(rows)])


def very_long_integers(draw, rows, name):
    return numbers(name, [str(draw.randint(2**63, 10 ** draw.randint(20, 40))) for _ in range(rows)])


def exponents(draw, rows, name):
    forms = ["{}e{}", "{}E{}", "{}e+{}", "{}E-{}", "{}e-0{}", "-{}e{}"]

    def cell():
        mantissa = draw.choice([str(draw.randint(1, 99)), f"{draw.uniform(1, 10):.3f}"])
        return draw.choice(forms).format(mantissa, draw.randint(1, 9))

    return numbers(name, [cell() for _ in range(rows)])


def extremes(draw, rows, name):
    def cell():
        sign, digits = draw.choice(["", "-"]), f"{draw.uniform(1, 1.7):.{draw.randint(1, 16)}f}"
        exponent = draw.choice([-307, -300, -280, -200, -30, 25, 200, 290, 307, 308])
        return f"{sign}{digits}{draw.choice('eE')}{exponent}"

    return numbers(name, [cell() for _ in range(rows)])


def seventeen_digits(draw, rows, name):
    """Of any 64 bits that are a number, and of ordinary sizes."""

    def cell():
        if draw.random() < 0.5:
            return repr(draw.uniform(-1000, 1000))
        while True:
            number = struct.unpack("<d", draw.randbytes(8))[0]
            if math.isfinite(number):
                return f"{number:.16e}"

    return numbers(name, [cell() for _ in range(rows)])


def long_fractions(draw, rows, name):
    """More digits than a double has, some of them exactly halfway between two doubles."""

    def cell():
        if draw.random() < 0.5:
            return f"{draw.randint(0, 99)}.{draw.randint(10**24, 10**25 - 1)}"
        power = draw.randint(1, 40)
        # 1 + (2k + 1) / 2^53, times a power of two, has all its digits written out.
        number = (2**53 + 2 * draw.randint(0, 2**30) + 1) * 5 ** (53 - power)
        digits = str(number).rjust(60, "0")
        return (digits[: -(53 - power)].lstrip("0") or "0") + "." + digits[-(53 - power) :]

    return numbers(name, [cell() for _ in range(rows)])


def denormals(draw, rows, name):
    smallest = 5e-324
    cells = []
    for _ in range(rows):
        number = draw.choice([-1, 1]) * draw.randint(1, 2 ** draw.randint(1, 52)) * smallest
        cells.append(draw.choice([repr(number), f"{number:.16e}", "2.2250738585072011e-308", "4.9e-324"]))
    return numbers(name, cells)


def signs_and_points(draw, rows, name):
    forms = ["-0.0", "+{}", ".{}", "{}.", "-.{}", "+.{}", "-{}.", "0.0", "+{}.5", "0.{}", "-0.{}e0"]
    return numbers(name, [draw.choice(forms).format(draw.randint(2, 99)) for _ in range(rows)])


def words(draw, rows, name):
    return texts(draw, rows, name, draw.sample(WORDS, 4))


def texts(draw, rows, name, choice):
    cells = [draw.choice(choice) for _ in range(rows)]
    return Column(name, "text", cells, list(cells))


def truths(draw, rows, name):
    spelling = draw.choice([("True", "False"), ("TRUE", "FALSE"), ("true", "false")])
    values = [draw.random() < 0.5 for _ in range(rows)]
    return Column(name, "truth", [spelling[0] if value else spelling[1] for value in values], values)


def nearly_numbers(draw, rows, name):
    return texts(draw, rows, name, NEARLY_NUMBERS)


def few_numbers(draw, rows, name):
    """A column of texts with numbers in it, fewer than four in ten."""
    column = words(draw, rows, name)
    for row in draw.sample(range(rows), int(rows * 0.39)):
        column.cells[row] = draw.choice(["7", "3.5", "-2", "1e3", "5."])
    column.values = list(column.cells)
    return column


def grouped(digits, mark):
    return f"{int(digits):,}".replace(",", mark)


def with_comma(draw, rows, name, places=(1, 2)):
    """Decimal commas; with one or two places they can be nothing else."""
    plain = [f"{draw.uniform(-500, 500):.{draw.choice(places)}f}" for _ in range(rows)]
    return Column(name, "number", [cell.replace(".", ",") for cell in plain], [float(cell) for cell in plain])


def comma_and_exponent(draw, rows, name):
    plain = [f"{draw.uniform(1, 10):.2f}e-0{draw.randint(1, 9)}" for _ in range(rows)]
    return Column(name, "number", [cell.replace(".", ",") for cell in plain], [float(cell) for cell in plain])


def with_thousands(draw, rows, name, mark=",", point=".", clear=True):
    """Groups of three; clear means that a cell has two marks or also a decimal point."""
    cells, values = [], []
    for row in range(rows):
        whole = draw.randint(1000, 999_999)
        if clear and (row == 0 or draw.random() < 0.5):
            whole = draw.randint(1_000_000, 99_999_999)
        elif clear and draw.random() < 0.3:
            whole = draw.randint(2, 999)
        sign = draw.choice(["", "", "-"])
        fraction = f"{draw.randint(1, 99):02}" if clear and draw.random() < 0.3 else ""
        cells.append(sign + grouped(whole, mark) + (point + fraction if fraction else ""))
        values.append(float(f"{sign}{whole}.{fraction}"))
    return Column(name, "number", cells, values)


def punch(draw, column, choice=("",), share=0.3):
    """Makes some cells missing, never so many that fewer than two are left."""
    rows = len(column.cells)
    for row in draw.sample(range(rows), max(1, min(int(rows * share), rows - 2))):
        column.cells[row], column.values[row] = draw.choice(choice), None
    return column


# ------------------------------------------------------------------------------ files


@dataclass
class Style:
    """How a table is written, and what pandas and Chainrule are told of it."""

    separator: str = ","
    line_end: str = "\n"
    final_line_end: bool = True
    byte_order_mark: bool = False
    quote_share: float = 0.0
    """Of the cells that need no quotes."""
    space: bool = False
    """After each separator."""
    blank_share: float = 0.0
    """Of the lines that have a blank one before them."""
    comments: list[str] = field(default_factory=list)
    pandas: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)


def file_text(draw, columns, style):
    def quoted(cell):
        special = [style.separator, "\n", "\r"]
        needed = any(mark in cell for mark in special) or cell.startswith('"') or cell == "" and len(columns) == 1
        if needed or draw.random() < style.quote_share:
            return '"' + cell.replace('"', '""') + '"'
        return cell

    join = style.separator + (" " if style.space else "")
    lines = list(style.comments)
    for row in range(-1, len(columns[0].cells)):
        if draw.random() < style.blank_share:
            lines += [""] * draw.randint(1, 2)
        lines.append(join.join(quoted(column.name if row < 0 else column.cells[row]) for column in columns))
    if style.blank_share:
        lines += [""] * draw.randint(0, 2)
    text = style.line_end.join(lines) + (style.line_end if style.final_line_end else "")
    return ("\ufeff" if style.byte_order_mark else "") + text


def read(text, style, **more):
    settings = {"sep": style.separator, "skipinitialspace": style.space, **style.pandas, **more}
    if style.comments:
        settings["comment"] = "#"
    return pandas.read_csv(io.BytesIO(text.encode()), float_precision="round_trip", **settings)


def values_read(series, text, style):
    """Kind and values of a column that pandas has read."""
    if pandas.api.types.is_bool_dtype(series.dtype):
        return "truth", [bool(value) for value in series]
    if pandas.api.types.is_numeric_dtype(series.dtype):
        return "number", [None if pandas.isna(value) else float(value) for value in series]
    values = [None if pandas.isna(value) else value for value in series]
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return "truth", values
    # Integers that fit into no integer of 64 bits stay as they are, unless pandas is told what they are.
    if all(str(value).lstrip("-").isdecimal() for value in present):
        return values_read(read(text, style, dtype={series.name: "float64"})[series.name], text, style)
    return "text", values


LEADING_ZERO = re.compile(r"[+-]?0\d")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(19|20)\d{6}")


def check_undisputed(name, column):
    """Refuses what Chainrule takes in another way on purpose."""
    for cell, value in zip(column.cells, column.values):
        assert cell == cell.strip(), (name, cell)
        assert value is None or cell.lower() not in ["?", "na", "n/a", "null", "nan", "none"], (name, cell)
        assert not LEADING_ZERO.match(cell) and not DATE.fullmatch(cell), (name, cell)
        assert not isinstance(value, float) or math.isfinite(value), (name, cell)


def exact(values):
    """What tells 0.0 from -0.0, and True from 1.0."""
    return [(type(value).__name__, repr(value)) for value in values]


def make_case(name, draw, columns, style):
    text = file_text(draw, columns, style)
    frame = read(text, style)
    assert list(frame.columns) == [column.name for column in columns], (name, text, list(frame.columns))
    records = []
    for column in columns:
        check_undisputed(name, column)
        kind, values = values_read(frame[column.name], text, style)
        assert kind == column.kind, (name, column.name, kind, text)
        assert exact(values) == exact(column.values), (name, column.name, values, column.values, text)
        assert sum(value is not None for value in values) > 0, (name, column.name)
        records.append({"name": column.name, "kind": kind, "values": values})
    case = {"name": name, "text": text}
    if style.options:
        case["options"] = style.options
    return case | {"columns": records}


# ------------------------------------------------------------------------------ features


def table(draw, makers, rows=None, names=None):
    rows = rows or draw.randint(4, 9)
    names = names or draw.sample(NAMES, len(makers))
    return [make(draw, rows, name) for make, name in zip(makers, names)]


def plain(draw, rows=None, names=None):
    makers = [draw.choice([integers, decimals]), decimals, words, draw.choice([words, integers, truths])]
    draw.shuffle(makers)
    return table(draw, makers[: draw.randint(2, 4)], rows, names)


def separators(draw, number):
    mark = list(SEPARATORS.values())[number % 4]
    return plain(draw), Style(separator=mark, quote_share=draw.choice([0, 0, 0.2]))


def line_ends(draw, number):
    end = list(LINE_ENDS.values())[number % 3]
    return plain(draw), Style(line_end=end, final_line_end=number // 3 % 2 == 0)


def byte_order_mark(draw, number):
    style = Style(byte_order_mark=True, quote_share=number % 2, line_end=draw.choice(list(LINE_ENDS.values())))
    return plain(draw), style


def quoted_separators(draw, number):
    mark = list(SEPARATORS.values())[number % 4]
    choice = [f"Oslo{mark} Norway", f"a{mark}b{mark}c", f"{mark}.{mark}" if mark != "\t" else "x\ty", "plain"]
    columns = table(draw, [decimals, words, integers], names=["width", f"city{mark} land", "load"])
    columns[1] = texts(draw, len(columns[0].cells), columns[1].name, choice)
    return columns, Style(separator=mark)


def doubled_quotes(draw, number):
    choice = ['"', 'a "b" c', '""', 'say "no", or "si"', '"all"', 'end"', "plain"]
    columns = table(draw, [words, decimals, words], names=["width", 'the "big" one', "load"] if number % 2 else None)
    columns[0] = texts(draw, len(columns[0].cells), columns[0].name, choice)
    return columns, Style(quote_share=1.0, separator=draw.choice(",;\t"))


def line_breaks(draw, number):
    end = list(LINE_ENDS.values())[number % 3]
    choice = [f"two{end}lines", f"a{end}{end}b", f"one, two{end}three", f'x "y"{end}z', "plain"]
    names = ["width", f"of{end}load", "city"] if number % 4 == 3 else ["width", "load", "city"]
    columns = table(draw, [decimals, integers, words], names=names)
    columns[2] = texts(draw, len(columns[0].cells), names[2], choice)
    draw.shuffle(columns)
    return columns, Style(line_end=end)


def line_feeds_in_crlf(draw, number):
    """Spreadsheets end rows with CRLF and lines within a cell with LF."""
    columns = table(draw, [words, decimals])
    columns[0] = texts(draw, len(columns[0].cells), columns[0].name, ["two\nlines", "a\nb\nc", "plain"])
    return columns, Style(line_end="\r\n", final_line_end=number % 2 == 0)


def all_quoted(draw, number):
    return plain(draw), Style(quote_share=1.0, separator=",;\t|"[number % 4])


def quote_within(draw, number):
    """A quote that does not open a cell is a character like others."""
    columns = table(draw, [words, decimals, words])
    columns[0] = texts(draw, len(columns[0].cells), columns[0].name, ['5" pipe', 'a"b', "it's", 'x""y', "plain"])
    return columns, Style()


def other_separators(draw, number):
    columns = table(draw, [words, decimals, integers])
    mark = ",;\t|"[number % 4]
    others = [f"a{other}b" for other in ",;|" if other != mark]
    columns[0] = texts(draw, len(columns[0].cells), columns[0].name, [*others, "plain", "plain"])
    return columns, Style(separator=mark)


def spaces(draw, number):
    columns = plain(draw)
    if number % 2:
        columns = [punch(draw, column) for column in columns]
    return columns, Style(space=True, separator=",;|"[number % 3], quote_share=draw.choice([0, 0.5, 1]))


def blank_lines(draw, number):
    return plain(draw), Style(blank_share=0.4, line_end=list(LINE_ENDS.values())[number % 3])


def missing_word(draw, number):
    word = MISSING_WORDS[number % len(MISSING_WORDS)]
    columns = [punch(draw, column, (word,)) for column in table(draw, [decimals, words, integers], draw.randint(5, 8))]
    return columns, Style(separator=draw.choice(",;"), quote_share=0.5 if number % 5 == 4 else 0)


def missing_words(draw, number):
    columns = [punch(draw, column, MISSING_WORDS) for column in table(draw, [decimals, words, integers], 12)]
    return columns, Style(separator=draw.choice(",;\t|"))


def missing_truths(draw, number):
    return [punch(draw, column, MISSING_WORDS) for column in table(draw, [truths, decimals, truths], 9)], Style()


def empty_cells(draw, number):
    columns = [punch(draw, column, share=0.5) for column in table(draw, [decimals, words, integers, words])]
    return columns, Style(separator=",;\t|"[number % 4], final_line_end=number % 2 == 0)


def of_numbers(*makers):
    def feature(draw, number):
        columns = table(draw, [*makers, words] if number % 2 else [words, *makers])
        return columns, Style(separator=draw.choice(",;\t|"))

    return feature


def three_places_and_commas(draw, number):
    return table(draw, [three_places, words, three_places]), Style()


def decimal_comma(draw, number):
    columns = table(draw, [with_comma, with_comma, words, integers])
    return columns, Style(separator=";\t|,"[number % 4], pandas={"decimal": ","})


def decimal_comma_mixed(draw, number):
    columns = table(draw, [lambda *a: with_comma(*a, places=(0, 1, 2, 3, 5)), words])
    columns[0].cells[0], columns[0].values[0] = "-7,25", -7.25
    return columns, Style(separator=";", pandas={"decimal": ","})


def decimal_comma_exponents(draw, number):
    return table(draw, [comma_and_exponent, with_comma, words]), Style(separator=";", pandas={"decimal": ","})


def decimal_comma_missing(draw, number):
    columns = [punch(draw, column, ("", "NA")) for column in table(draw, [with_comma, words, with_comma])]
    return columns, Style(separator=";\t"[number % 2], pandas={"decimal": ","})


def decimal_comma_given(draw, number):
    columns = table(draw, [lambda *a: with_comma(*a, places=(3,)), words])
    return columns, Style(separator=";\t,"[number % 3], pandas={"decimal": ","}, options={"decimal": ","})


def thousands(draw, number):
    columns = table(draw, [with_thousands, decimals, words, with_thousands])
    return columns, Style(separator=",;\t|"[number % 4], pandas={"thousands": ","})


def thousands_given(draw, number):
    columns = table(draw, [lambda *a: with_thousands(*a, clear=False), words])
    return columns, Style(separator=",;\t"[number % 3], pandas={"thousands": ","}, options={"thousands": ","})


def points_and_comma(draw, number):
    """1.234.567,89, in a file whose other numbers have decimal commas or are whole."""
    makers = [lambda *a: with_thousands(*a, mark=".", point=","), with_comma, words, integers]
    return table(draw, makers), Style(separator=";\t"[number % 2], pandas={"thousands": ".", "decimal": ","})


def comments(draw, number):
    lines = ["# exported by a program", "#", "# units: cm, kg; s", '# "quoted', "#width,depth", "## two"]
    style = Style(comments=draw.sample(lines, draw.randint(1, 3)), separator=draw.choice(",;\t"))
    style.line_end = list(LINE_ENDS.values())[number % 3]
    return plain(draw), style


def truth_columns(draw, number):
    return table(draw, [truths, decimals, truths, words][: draw.randint(2, 4)]), Style(separator=draw.choice(",;"))


def mixed_truths(draw, number):
    """Several spellings in one column."""
    columns = table(draw, [truths, integers])
    spellings = {True: ["True", "TRUE", "true"], False: ["False", "FALSE", "false"]}
    columns[0].cells = [draw.choice(spellings[value]) for value in columns[0].values]
    return columns, Style()


def unicode_everywhere(draw, number):
    names = draw.sample(UNICODE_NAMES, 3)
    columns = table(draw, [words, decimals, words], names=names)
    for index in (0, 2):
        columns[index] = texts(draw, len(columns[0].cells), names[index], UNICODE_TEXTS)
    return columns, Style(separator=draw.choice(",;\t|"), byte_order_mark=number % 3 == 0, quote_share=number % 2)


def one_column(draw, number):
    make = [integers, words, decimals, truths, exponents][number % 5]
    columns = table(draw, [make])
    if number >= 5:
        punch(draw, columns[0], ("NA", ""))
    return columns, Style(final_line_end=number % 2 == 0)


def many_columns(draw, number):
    names = [f"{draw.choice(WORDS)}_{index}" for index in range(50)]
    makers = [draw.choice([integers, decimals, decimals, words, truths]) for _ in names]
    return table(draw, makers, 4, names), Style(separator=",;\t|"[number % 4])


def one_row(draw, number):
    return plain(draw, rows=1), Style(final_line_end=number % 2 == 0, separator=draw.choice(",;"))


def many_rows(draw, number):
    columns = plain(draw, rows=300)
    if number % 2:
        columns = [punch(draw, column, ("", "NA"), 0.1) for column in columns]
    return columns, Style(separator=",;\t"[number % 3], line_end=list(LINE_ENDS.values())[number % 3])


def inner_spaces(draw, number):
    columns = table(draw, [words, decimals, integers])
    columns[0] = texts(draw, len(columns[0].cells), columns[0].name, PHRASES)
    return columns, Style(separator=",;\t|"[number % 4])


def separator_given(draw, number):
    """Each line has another separator as often."""
    mark, other = [(";", ","), ("|", ";"), ("\t", ","), (",", ";")][number % 4]
    columns = table(draw, [decimals, words], names=["width", f"city{other} land"])
    columns[1] = texts(draw, len(columns[0].cells), columns[1].name, [f"Oslo{other} Norway", f"Lyon{other} France"])
    return columns, Style(separator=mark, options={"separator": mark})


def mixture(draw, number):
    """Several features at once."""
    makers = [
        integers, decimals, exponents, extremes, seventeen_digits, signs_and_points, long_integers, words, truths,
        nearly_numbers, few_numbers,
    ]  # fmt: skip
    columns = table(draw, draw.choices(makers, k=draw.randint(2, 6)), draw.randint(5, 10))
    style = Style(
        separator=draw.choice(",,;\t|"),
        line_end=draw.choice(list(LINE_ENDS.values())),
        final_line_end=draw.random() < 0.7,
        byte_order_mark=draw.random() < 0.3,
        quote_share=draw.choice([0, 0, 0.3, 1]),
        space=draw.random() < 0.25,
        blank_share=draw.choice([0, 0, 0.3]),
    )
    if draw.random() < 0.3:
        style.comments = ["# a comment", "# another, with separators; and | more"]
    rows = len(columns[0].cells)
    for index, column in enumerate(columns):
        if column.kind == "text" and draw.random() < 0.6:
            special = [f"a{style.separator}b", 'c "d" e', f"two{style.line_end}lines", "東京", "new york"]
            columns[index] = texts(draw, rows, column.name, [*special, *draw.sample(WORDS, 3)])
        if draw.random() < 0.4:
            punch(draw, columns[index], MISSING_WORDS if not style.comments else ("", "NA", "nan"), 0.25)
    # A comment sign that begins a line would make it a comment.
    if any(cell.startswith("#") for cell in columns[0].cells):
        columns[0] = decimals(draw, rows, columns[0].name)
    return columns, style


FEATURES = [
    (separators, 16), (line_ends, 12), (byte_order_mark, 6), (quoted_separators, 8), (doubled_quotes, 6),
    (line_breaks, 8), (line_feeds_in_crlf, 2), (all_quoted, 4), (quote_within, 3), (other_separators, 4), (spaces, 9),
    (blank_lines, 6), (missing_word, 19), (missing_words, 5), (missing_truths, 3), (empty_cells, 5),
    (three_places_and_commas, 3), (decimal_comma, 8),
    (decimal_comma_mixed, 3), (decimal_comma_exponents, 2), (decimal_comma_missing, 3), (decimal_comma_given, 3),
    (thousands, 6), (thousands_given, 3), (points_and_comma, 4), (comments, 6), (truth_columns, 5), (mixed_truths, 2),
    (unicode_everywhere, 6), (one_column, 8), (many_columns, 3), (one_row, 4), (many_rows, 3), (inner_spaces, 4),
    (separator_given, 4), (mixture, 60),
]  # fmt: skip
NUMBERS = {
    "integers": (of_numbers(integers, integers), 3),
    "long_integers": (of_numbers(long_integers), 4),
    "very_long_integers": (of_numbers(very_long_integers), 2),
    "exponents": (of_numbers(exponents, integers), 4),
    "extremes": (of_numbers(extremes), 4),
    "seventeen_digits": (of_numbers(seventeen_digits, seventeen_digits), 5),
    "long_fractions": (of_numbers(long_fractions), 3),
    "denormals": (of_numbers(denormals), 4),
    "signs_and_points": (of_numbers(signs_and_points), 4),
    "nearly_numbers": (of_numbers(nearly_numbers, decimals), 5),
    "few_numbers": (of_numbers(few_numbers, decimals), 5),
}


def main():
    features = {make.__name__: (make, count) for make, count in FEATURES} | NUMBERS
    cases = []
    for name, (make, count) in features.items():
        for number in range(count):
            draw = random.Random(f"{name} {number}")
            columns, style = make(draw, number)
            cases.append(make_case(f"{name}_{number}", draw, columns, style))
    lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    content = f'{{"pandas":"{pandas.__version__}","cases":[\n{lines}\n]}}\n'
    assert len(content) <= MOST_BYTES, len(content)
    DESTINATION.write_text(content, encoding="ascii")
    print(f"{DESTINATION.name}: {len(cases)} cases, {len(content)} bytes")


if __name__ == "__main__":
    main()
