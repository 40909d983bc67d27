"""NetFlow and IPFIX: the fields tshark shows against the fields FlowLens gives, by their octets."""
import tshark

# tshark's name -> ours; of the message header.
HEADER = {"cflow.count": "count", "cflow.sequence": "sequence", "cflow.source_id": "domain", "cflow.od_id": "domain",
          "cflow.sysuptime": "sysUptime", "cflow.exporttime": "exportTime", "cflow.timestamp": "exportTime",
          "cflow.engine_type": "", "cflow.engine_id": "", "cflow.samplingmode": "", "cflow.samplerate": ""}
# No values of the wire: groups, tshark's own remarks, lengths of what stands beside them, set heads, filling.
STRUCTURE = {"", "cflow.version", "cflow.len", "cflow.unix_secs", "cflow.unix_nsecs", "cflow.flowset_id",
             "cflow.flowset_length", "cflow.template_frame", "cflow.no_template_found", "cflow.entries.too_many",
             "cflow.unexpected_sequence_number", "cflow.sequence_analysis.expected_sn", "cflow.scope_field_type",
             "cflow.sequence_analysis.previous_frame", "cflow.string_len_short", "cflow.string_len_long",
             "cflow.option_length", "cflow.option_scope_length", "cflow.padding", "cflow.timedelta", "_ws.expert", "_ws.expert.message", "_ws.expert.severity",
             "_ws.expert.group", "_ws.malformed"}


def is_group(field):
    """`cflow.pie.cisco` holds the vendor's field and is none itself."""
    return field.name.startswith("cflow.pie.") and field.name.count(".") == 2 and field.below


def compare_header(header, field, differ):
    domain, sampling = header["domain"], header["sampling"]
    ours = {"cflow.engine_type": domain >> 8, "cflow.engine_id": domain & 255,
            "cflow.samplingmode": sampling >> 14, "cflow.samplerate": sampling & 0x3FFF}
    value = header[HEADER[field.name]] if HEADER[field.name] else ours[field.name]
    if field.name == "cflow.exporttime":
        good = tshark.number_of(field.show) * 10**9 == tshark.corpus_time(value)
    else:
        good = tshark.same(field, value)
    if not good:
        differ(field, "header", value)


def templates_of(cflow):
    """Templates as tshark shows them: id and [number, octets] of each field."""
    found = []
    for group in cflow.walk():
        ids = [f for f in group.below if f.name == "cflow.template_id"]
        fields = [f for f in group.below if any(b.name == "cflow.template_field_length" for b in f.below)]
        if len(ids) != 1 or not fields:
            continue
        layout = []
        for field in fields:
            number = [tshark.number_of(b.show) for b in field.below
                      if b.name.startswith(("cflow.template_", "cflow.scope_")) and "_field_type" in b.name]
            octets = [tshark.number_of(b.show) for b in field.below if b.name == "cflow.template_field_length"]
            layout.append([number[0] if number else None, octets[0]])
        found.append((ids[0], layout))
    return found


def compare_templates(cflow, ours, differ):
    known = [(t["id"], [[number, octets] for _, number, octets in t["fields"]]) for t in ours["templates"]]
    count = 0
    for field, layout in templates_of(cflow):
        template = (tshark.number_of(field.show), layout)
        count += 1 + 2 * len(layout)
        if template not in known:
            differ(field, "template", [t for t in known if t[0] == template[0]])
        else:
            known.remove(template)
    return count


def same_field(field, key, value, octets, export_ns):
    if key.endswith("DeltaMicroseconds") and tshark.time_of(field.show):
        # Elements 158, 159: so long before the export time. tshark shows when that was, to the millisecond.
        return abs(export_ns - value * 1000 - tshark.time_of(field.show)) < 10**6
    if field.show.replace(":", "") == octets:
        return True  # tshark shows the octets and leaves their meaning open
    return tshark.same(field, value)


def of_moved_time(field, left):
    """The second of two times of a record: tshark gives it a place that is not its own (seen in 4.0.17).
    \\return the place in `left` of the field that has its octets."""
    if not field.name.startswith(("cflow.time", "cflow.abstime")):
        return None
    return next((place for place in left if left[place][2] == field.value), None)


def compare(cflow, ours, differ):
    """\\return how many values were compared, and how many parts of values (bits) were passed over."""
    header = ours.get("header")
    export_ns = tshark.corpus_time(header["exportTime"]) if header else 0
    compared = compare_templates(cflow, ours, differ)
    parts = 0
    by_place = {(at, size): (key, value, octets)
                for record in ours["records"] for key, at, size, value, octets in record if size}
    left = dict(by_place)
    for field in cflow.walk():
        if field.name in STRUCTURE or field.name.startswith("cflow.template_") or is_group(field) or field.size == 0:
            continue
        place = (field.at, field.size)
        if field.at < 24 and field.name in HEADER:
            if not header:
                continue  # no set of the datagram could be read
            compare_header(header, field, differ)
        elif field.is_part:
            parts += 1
            continue
        elif place in by_place or of_moved_time(field, left):
            if place not in by_place or not same_field(field, *by_place[place], export_ns):
                place = of_moved_time(field, left) or place
            left.pop(place, None)
            if not same_field(field, *by_place[place], export_ns):
                differ(field, *by_place[place][:2])
        elif any(at <= field.at and field.at + field.size <= at + size for at, size in by_place):
            parts += 1
            continue
        else:
            differ(field, "nothing", None)
        compared += 1
    return compared, parts
