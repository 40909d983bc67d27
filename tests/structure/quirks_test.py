"""Every test that docs/decoding.md names for a vendor's quirk exists, and every row names one."""

import pathlib
import re
import sys

SECTION = "## Vendors' quirks"
TEST_CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')


def test_names(top):
    names = set()
    for file in (top / "tests").rglob("*_test.cpp"):
        for found in TEST_CASE.findall(file.read_text()):
            names.add("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found)))
    return names


def rows(text):
    """(vendor, names of tests) of each row of the table."""
    section = text.partition(SECTION)[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("vendor", "---"):
            yield cells[0], re.findall(r"`([^`]+)`", cells[2])


def main():
    top = pathlib.Path(sys.argv[1])
    known = test_names(top)
    found = list(rows((top / "docs" / "decoding.md").read_text()))
    problems = [f"{vendor}: no test is named" for vendor, names in found if not names]
    problems += [f"{vendor}: there is no test '{name}'" for vendor, names in found for name in names if name not in known]
    if len(found) < 13:
        problems.append(f"{len(found)} vendors in the table, of 13")
    for problem in problems:
        print(f"docs/decoding.md: {problem}")
    print(f"{sum(len(names) for _, names in found)} tests named for {len(found)} rows, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
