"""Writes a table of information elements from what its keeper published: facts only, no texts.

    import_elements.py registry PEN FILE.xml              a registry in IANA's XML form
    import_elements.py tshark PEN SET [--names as-is]     a set that the installed tshark knows, e.g. `ntop`

The table goes to standard output; README.md says which file came from where and when. Run it again with a newer source and
review the difference.
"""

import argparse
import collections
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

NAMESPACES = {"i": "http://www.iana.org/assignments", "cert": "http://www.cert.org/ipfix"}
VENDOR_REVERSE_BIT = 0x4000  # libfixbuf: the reverse of a reversible element of an enterprise
WIRESHARK_TYPES = {
    "FT_UINT8": "unsigned8", "FT_UINT16": "unsigned16", "FT_UINT24": "unsigned32", "FT_UINT32": "unsigned32",
    "FT_UINT64": "unsigned64", "FT_INT32": "signed32", "FT_IPv4": "ipv4Address", "FT_IPv6": "ipv6Address",
    "FT_ETHER": "macAddress", "FT_STRING": "string", "FT_FLOAT": "float32", "FT_DOUBLE": "float64",
    "FT_ABSOLUTE_TIME": "dateTimeSeconds", "FT_RELATIVE_TIME": "unsigned32",
}  # what is missing here, or in tshark, is an octetArray: its octets stay readable

Row = collections.namedtuple("Row", "enterprise number name type semantics units")


def registry(enterprise, path):
    for record in ElementTree.parse(path).getroot().iter("{http://www.iana.org/assignments}record"):
        def text(tag):
            return (record.findtext("i:" + tag, "", NAMESPACES) or "").strip()
        if not text("dataType") or not text("elementId").isdigit():
            continue
        units = "" if text("units") == "none" else text("units")
        semantics = "" if text("dataTypeSemantics") == "default" else text("dataTypeSemantics")
        row = Row(enterprise, int(text("elementId")), text("name"), text("dataType"), semantics, units)
        yield row
        if record.findtext("cert:reversible", "", NAMESPACES) == "true":
            name = "reverse" + row.name[0].upper() + row.name[1:]
            yield row._replace(number=row.number | VENDOR_REVERSE_BIT, name=name)


def key(text):
    return re.sub("[^a-z0-9]", "", text.lower())


def camel_case(text):
    words = re.sub("[^A-Za-z0-9]", " ", text).split()
    words = [w.lower() if w.isupper() else w for w in words]
    return "".join(w[0].lower() + w[1:] if i == 0 else w[0].upper() + w[1:] for i, w in enumerate(words))


def tshark_glossary(kind):
    done = subprocess.run(["tshark", "-G", kind], check=True, capture_output=True)
    return [line.split("\t") for line in done.stdout.decode(errors="replace").splitlines()]


def tshark(enterprise, vendor, as_is):
    types = {}
    own = "cflow.pie." + vendor.replace("_", "") if enterprise else "cflow."
    for field in tshark_glossary("fields"):
        if field[0] == "F" and field[2].startswith(own):
            types[key(field[1])] = types[key(field[2].rpartition(".")[2])] = field[3]
    for value in tshark_glossary("values"):
        if value[0] != "V" or value[1] != f"cflow.template_{vendor}_field_type":
            continue
        name = value[3] if as_is else camel_case(value[3])
        yield Row(enterprise, int(value[2]), name, WIRESHARK_TYPES.get(types.get(key(value[3])), "octetArray"), "", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    xml = kinds.add_parser("registry")
    xml.add_argument("enterprise", type=int)
    xml.add_argument("file")
    known = kinds.add_parser("tshark")
    known.add_argument("enterprise", type=int, help="0: the NetFlow v9 types from 32768 on")
    known.add_argument("vendor")
    known.add_argument("--names", choices=["as-is", "camel"], default="camel")
    given = parser.parse_args()
    if given.kind == "registry":
        rows = registry(given.enterprise, given.file)
    else:
        rows = tshark(given.enterprise, given.vendor, given.names == "as-is")
        # ntop's own numbers plus 57472 are derived, see elements.cpp
        rows = (r for r in rows if r.enterprise or 32768 <= r.number < 57472)
    print(",".join(Row._fields))
    for row in sorted(rows, key=lambda r: r.number):
        print(",".join(map(str, row)))


sys.exit(main())
