#!/usr/bin/env python3
"""Flows to a Parquet file for DuckDB, Spark, pandas and others: batch by batch, so that memory stays small.

Exit code 1: there is no flow, and no file was written.
"""

import argparse
import sys

import pyarrow
import pyarrow.parquet

import flowlens


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+", metavar="FILE", help="captures, IPFIX files, flow logs")
    options.add_argument("out", metavar="OUT.parquet")
    options.add_argument("--filter", help="such as 'dst port 443'")
    chosen = options.parse_args()

    writer, flows = None, 0
    with flowlens.read(chosen.files, filter=chosen.filter) as reader:
        for batch in reader:
            table = pyarrow.table(batch)  # by __arrow_c_stream__, without a copy
            writer = writer or pyarrow.parquet.ParquetWriter(chosen.out, table.schema, compression="zstd")
            writer.write_table(table)
            flows += len(batch)
    if writer:
        writer.close()
    print(f"{flows:,} flows", file=sys.stderr)
    return 0 if flows else 1


if __name__ == "__main__":
    sys.exit(main())
