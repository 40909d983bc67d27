#!/usr/bin/env python3
"""Runs flowlens-bench and nfdump's collector on the same captures and prints one table.

usage: compare.py --bench PROGRAM [--repetitions N] [--peer-runs N] [--json FILE] CAPTURE...
"""

import argparse
import json
import shutil
import subprocess
import sys

import peer

PARSED = "parse+normalize"
TARGETS = {("NetFlow v5", PARSED): 25, ("NetFlow v9", PARSED): 50, ("IPFIX", PARSED): 50,
           ("sFlow v5", PARSED): 80, **{(protocol, "whole way"): 1000 for protocol in
                                        ("NetFlow v5", "NetFlow v9", "IPFIX", "sFlow v5")}}


def say(text):
    print(text, file=sys.stderr, flush=True)


def bench(program, capture, repetitions):
    say(f"flowlens-bench {capture}")
    done = subprocess.run([program, "--input", capture, "--repetitions", str(repetitions), "--json"],
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def measure_peer(capture, figures, runs):
    """The peer's figure on a capture of one protocol, or why there is none."""
    if len(figures["workloads"]) != 1:
        return {"skipped": "several protocols in one capture"}
    workload = figures["workloads"][0]
    collector = "sfcapd" if workload["protocol"] == "sFlow v5" else "nfcapd"
    if not shutil.which(collector):
        package = "nfdump-sflow" if collector == "sfcapd" else "nfdump"
        return {"collector": collector, "skipped": f"not installed (Debian package {package})"}
    say(f"{collector} on the datagrams of {capture}")
    try:
        return peer.measure(capture, workload["records"], collector, runs,
                            figures["conditions"]["pinned_to_core"])
    except (ValueError, TimeoutError, OSError) as error:
        return {"collector": collector, "skipped": str(error)}


def row(protocol, what, ns, spread, rate, remark):
    return f"{protocol:<11} {what:<26} {ns:>9} {spread:>18} {rate:>9}  {remark}".rstrip()


def our_rows(workload):
    for stage in workload["stages"]:
        target = TARGETS.get((workload["protocol"], stage["stage"]))
        remark = f"target {target} ns: {'met' if stage['ns'] <= target else 'MISSED'}" if target else ""
        if stage["ns_flushing"]:
            remark = f"of it flushes {stage['ns_flushing']:.0f} ns; {remark}".rstrip("; ")
        yield row(workload["protocol"], f"FlowLens {stage['stage']}", f"{stage['ns']:.1f}",
                  f"{stage['ns_least']:.1f} to {stage['ns_most']:.1f}",
                  f"{stage['per_second'] / 1e6:.2f} M", remark)


def peer_row(workload, figure):
    protocol = workload["protocol"]
    name = figure.get("collector", "peer")
    if "skipped" in figure:
        return row(protocol, name, "-", "", "", figure["skipped"])
    decoding = next(stage["ns"] for stage in workload["stages"] if stage["stage"] == PARSED)
    remark = (f"user {figure['ns_user']:.0f} ns, {figure['ns_user'] / decoding:.1f} times our {PARSED}; "
              "with the kernel's receive path")
    if figure["datagrams_dropped"]:
        remark += f"; {figure['datagrams_dropped']} DATAGRAMS LOST"
    if figure["flows_stored"] not in (None, figure["records"]):
        remark += f"; it stored {figure['flows_stored']} of {figure['records']} flows"
    return row(protocol, f"{name} {figure['version']}", f"{figure['ns']:.1f}",
               f"{figure['ns_least']:.1f} to {figure['ns_most']:.1f}",
               f"{1e3 / figure['ns']:.2f} M", remark)


def print_table(results):
    machine = results[0]["flowlens"]["conditions"]
    print(f"FlowLens {machine['flowlens_version']}, {machine['compiler']}, {machine['flags']}")
    print(f"{machine['cpu']}, {machine['cores']} cores, one of them (core {machine['pinned_to_core']}) "
          f"at work, {machine['system']}")
    loads = [result["flowlens"]["conditions"]["load_average_before"][0] for result in results]
    print(f"load average {min(loads):.2f} to {max(loads):.2f}; medians of "
          f"{results[0]['flowlens']['repetitions']} repetitions; CPU time\n")
    print(row("protocol", "what", "ns each", "range", "each/s", ""))
    for result in results:
        for workload in result["flowlens"]["workloads"]:
            print("\n".join(our_rows(workload)))
        print(peer_row(workload, result["peer"]))
    print("\nEach: data record, flow sample (sFlow), or flow. nfcapd and sfcapd got the same datagrams over\n"
          "loopback, since Debian's build reads no captures: their figure is the CPU time of the process,\n"
          "the kernel's receive path and the writing of a file into memory included. FlowLens starts from\n"
          "datagrams in memory. A flush comes every 5 s of the time in the capture.\n"
          "The whole way begins with an empty map; \"known\": with a map that holds all this already.\n"
          "Memory that one repetition has freed serves the next.")
    for result in results:
        for workload in result["flowlens"]["workloads"]:
            print(input_line(workload))


def input_line(workload):
    return (f"{workload['protocol']}: {workload['records']:,} records in {workload['datagrams']:,} datagrams over "
            f"{workload['seconds_of_input']:.0f} s, {workload['flushes']} flushes, "
            f"{workload['dependencies']:,} dependencies")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bench", required=True, help="the program flowlens-bench")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--peer-runs", type=int, default=3)
    parser.add_argument("--json", help="file that gets the figures, instead of a table")
    parser.add_argument("captures", nargs="+")
    args = parser.parse_args()
    results = []
    for capture in args.captures:
        figures = bench(args.bench, capture, args.repetitions)
        results.append({"capture": capture, "flowlens": figures,
                        "peer": measure_peer(capture, figures, args.peer_runs)})
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=2)
    else:
        print_table(results)


if __name__ == "__main__":
    main()
