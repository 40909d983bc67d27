#!/usr/bin/env python3
"""Which dependencies are new since yesterday? Made for a job that runs once a day.

Yesterday and today are files of flows, or maps that were saved (NAME.flowlens). `--save NAME.flowlens` keeps
today's for tomorrow. Exit code 1: none is new.
"""

import argparse
import sys
from pathlib import Path

import flowlens


def open_map(path):
    return flowlens.load(path) if Path(path).suffix == ".flowlens" else flowlens.map(path)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("yesterday")
    options.add_argument("today")
    options.add_argument("--save", metavar="FILE.flowlens")
    chosen = options.parse_args()

    yesterday, today = open_map(chosen.yesterday), open_map(chosen.today)
    if chosen.save:
        today.save(chosen.save)
    # The same ends and the same service have the same id in every map.
    known = {dependency.id for dependency in yesterday.dependencies()}
    new = [d for d in today.dependencies() if d.id not in known]
    for d in sorted(new, key=lambda d: (d.first_seen, d.id)):
        print(f"{d.first_seen:%Y-%m-%d %H:%M:%S} {d.client_address} uses {d.service or d.port} of {d.server_address}")
    return 0 if new else 1


if __name__ == "__main__":
    sys.exit(main())
