
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const assets = data.assets, dependencies = data.dependencies;
  const ROWS = 90;        // machines drawn one by one; past it the largest groups are drawn closed
  const LINES = 700;      // arrows drawn, the busiest
  const OPENED = 150;     // machines shown of one open group
  const PAGE = 100;       // rows of a table before "more"
  const byId = (id) => document.getElementById(id);

  // All text from the network goes through here, as text.
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  function drawn(name, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  function onPress(target, action) {
    target.addEventListener("click", action);
    target.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      action();
    });
  }
  const count = (n, one, many) => `${n.toLocaleString("en-US")} ${n === 1 ? one : many || one + "s"}`;
  function size(octets) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let at = 0;
    while (octets / 1000 ** at >= 999.5 && at < units.length - 1) at += 1;
    const tenths = Math.floor(octets * 10 / 1000 ** at + 0.5);
    const value = at === 0 || tenths >= 1000 ? Math.floor(octets / 1000 ** at + 0.5) : (tenths / 10).toFixed(1);
    return `${value} ${units[at]}`;
  }
  const moment = (text) => text.slice(0, 19).replace("T", " ").replace("Z", "");
  const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "\u2026" : text;
  const inOrder = new Intl.Collator("en", { numeric: true }).compare;
  const kind = (asset) => asset.type === "unknown" ? "" : asset.type.replaceAll("_", " ");

  // What each machine uses and serves; `joined`: where nobody clearly serves.
  assets.forEach((asset, index) => Object.assign(asset, { index, serves: [], uses: [], joined: [], octets: 0 }));
  for (const d of dependencies) {
    const client = assets[d.client], server = assets[d.server];
    if (d.direction === "client_server") { client.uses.push(d); server.serves.push(d); } else { client.joined.push(d); server.joined.push(d); }
    client.octets += d.octets;
    if (server !== client) server.octets += d.octets;
  }
  const COLUMNS = ["Only use services", "Use and serve", "Only serve"];

  // The drawing: boxes of machines in three columns.
  // `machines` and `uses` are what is drawn: everything, or what a search has found.
  const state = { by: "network", opened: new Map(), chosen: null, search: "", machines: assets, uses: dependencies };

  const groupName = (asset) => state.by === "network" ? asset.network : kind(asset) || "kind not known";

  // The column of each machine, by what of its uses is drawn. Where nobody clearly serves, both ends do both.
  function columns() {
    const uses = new Set(), serves = new Set();
    for (const d of state.uses) {
      uses.add(d.client);
      serves.add(d.server);
      if (d.direction !== "client_server") uses.add(d.server) && serves.add(d.client);
    }
    for (const { index } of state.machines) assets[index].column = !serves.has(index) ? 0 : uses.has(index) ? 1 : 2;
  }

  function groups() {
    columns();
    const found = new Map();
    for (const asset of state.machines) {
      const key = `${asset.column} ${groupName(asset)}`;
      if (!found.has(key)) found.set(key, { key, name: groupName(asset), column: asset.column, members: [], outside: !asset.inside });
      const group = found.get(key);
      group.members.push(asset);
      group.outside = group.outside && !asset.inside;
    }
    const all = [...found.values()].sort((a, b) => inOrder(a.name, b.name));
    for (const group of all) group.members.sort((a, b) => inOrder(a.name, b.name) || a.index - b.index);
    let rows = state.machines.length;
    for (const group of [...all].sort((a, b) => b.members.length - a.members.length)) {
      group.open = group.members.length === 1 || rows <= ROWS;
      if (!group.open) rows -= group.members.length - 1;
      group.open = state.opened.get(group.key) ?? group.open;
    }
    return all;
  }

  // The rows of a group: its machines, or one that stands for all that are not shown one by one.
  function fill(group) {
    let shown = group.open ? group.members : [];
    if (shown.length > OPENED) {
      const busiest = new Set([...shown].sort((a, b) => b.octets - a.octets).slice(0, OPENED));
      shown = shown.filter((asset) => busiest.has(asset));
    }
    const one = new Set(shown);
    const rest = group.members.filter((asset) => !one.has(asset));
    group.rows = shown.map((asset) => ({ group, label: asset.name, of: kind(asset), members: [asset], asset }));
    if (rest.length > 0) {
      const label = shown.length === 0 ? count(rest.length, "machine") : `and ${count(rest.length, "machine")} more`;
      group.rows.push({ group, label, of: shown.length === 0 ? "press to open" : "", members: rest, asset: null });
    }
  }

  function linesBetween(rows) {
    const rowOf = new Map();
    for (const row of rows) for (const asset of row.members) rowOf.set(asset.index, row);
    const found = new Map();
    for (const d of state.uses) {
      const from = rowOf.get(d.client), to = rowOf.get(d.server);
      const key = `${from.number} ${to.number} ${d.direction === "client_server"}`;
      if (!found.has(key)) found.set(key, { from, to, directed: d.direction === "client_server", octets: 0, sure: 0, all: [] });
      const line = found.get(key);
      line.octets += d.octets;
      line.sure = Math.max(line.sure, d.confidence);
      line.all.push(d);
    }
    return [...found.values()].sort((a, b) => b.octets - a.octets);
  }

  const WIDTH = 1200, BOX = 270, ROW = 22, TOP = 24, GAP = 12, FIRST = 40;

  function place(all) {
    const bottoms = [FIRST, FIRST, FIRST];
    for (const group of all) {
      group.y = bottoms[group.column];
      group.rows.forEach((row, at) => { row.y = group.y + TOP + at * ROW; });
      group.height = TOP + group.rows.length * ROW + 4;
      bottoms[group.column] += group.height + GAP;
    }
    return Math.max(...bottoms) + 6;
  }

  // Rows go near those they are joined with, so that fewer arrows cross (the barycentre rule).
  function arrange(all, lines) {
    place(all);
    for (let round = 0; round < 6; ++round) {
      const pull = new Map();
      for (const line of lines) {
        for (const [row, other] of [[line.from, line.to], [line.to, line.from]]) {
          const sum = pull.get(row) || [0, 0];
          pull.set(row, [sum[0] + other.y, sum[1] + 1]);
        }
      }
      const wanted = (row) => { const sum = pull.get(row); return sum ? sum[0] / sum[1] : row.y; };
      for (const group of all) {
        group.rows.sort((a, b) => (a.asset ? 0 : 1) - (b.asset ? 0 : 1) || wanted(a) - wanted(b) || inOrder(a.label, b.label));
        group.wanted = group.rows.reduce((sum, row) => sum + wanted(row), 0) / group.rows.length;
      }
      all.sort((a, b) => a.wanted - b.wanted || inOrder(a.name, b.name));
      place(all);
    }
    return place(all);
  }

  function path(line, left) {
    const x1 = left(line.from) + BOX, y1 = line.from.y + ROW / 2, y2 = line.to.y + ROW / 2;
    if (line.from.group.column >= line.to.group.column) {  // out and in on the same side
      const x2 = left(line.to) + BOX, out = Math.max(x1, x2) + 36 + Math.min(60, Math.abs(y2 - y1) / 4);
      return { d: `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2 + 8} ${y2}`, head: `M${x2} ${y2}L${x2 + 9} ${y2 - 4}V${y2 + 4}Z` };
    }
    const x2 = left(line.to), half = (x2 - x1) / 2;
    return { d: `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2 - 8} ${y2}`, head: `M${x2} ${y2}L${x2 - 9} ${y2 - 4}V${y2 + 4}Z` };
  }

  function drawLine(line, left, most) {
    const { d, head } = path(line, left);
    const sure = line.directed && line.sure >= 0.5;
    const width = 0.8 + 4 * (Math.log1p(line.octets) / Math.log1p(most)) ** 4;
    const shape = drawn("path", { class: sure ? "edge" : "edge unsure", d });
    shape.style.strokeWidth = width.toFixed(1);
    const services = [...new Set(line.all.map((each) => each.service))];
    line.shape = drawn("g", { class: "line" },
      drawn("title", {}, `${line.from.label} ${line.directed ? "uses" : "talks with"} ${line.to.label}: ${cut(services.join(", "), 200)} (${size(line.octets)})`), shape);
    if (line.directed) line.shape.append(drawn("path", { class: "head", d: head }));
    return line.shape;
  }

  function drawRow(row, x) {
    const most = row.of ? 20 : 31;
    row.shape = drawn("g", { class: row.asset ? "row" : "row more", tabindex: 0, role: "button", "aria-label": row.label },
      drawn("title", {}, row.asset ? [row.label, ...row.asset.addresses].join("\n") : row.label),
      drawn("rect", { class: "bar", x: x + 3, y: row.y, width: BOX - 6, height: ROW - 1, rx: 4 }),
      drawn("text", { x: x + 10, y: row.y + 15 }, cut(row.label, most)),
      drawn("text", { class: "of", x: x + BOX - 10, y: row.y + 15, "text-anchor": "end" }, cut(row.of, 18)));
    if (row.asset) row.shape.setAttribute("data-asset", row.asset.index);
    onPress(row.shape, () => row.asset ? choose(row.asset) : toggle(row.group));
    row.shape.addEventListener("mouseenter", () => fade(new Set(row.members)));
    row.shape.addEventListener("mouseleave", () => fade());
    return row.shape;
  }

  function drawGroup(group, x) {
    const top = drawn("g", { class: "top", tabindex: 0, role: "button", "aria-expanded": group.open },
      drawn("title", {}, group.open ? "press to close" : "press to open"),
      drawn("rect", { class: "bar", x: x + 1, y: group.y + 1, width: BOX - 2, height: TOP - 3, rx: 5 }),
      drawn("text", { x: x + 10, y: group.y + 16 }, cut(group.name, 28)),
      drawn("text", { x: x + BOX - 10, y: group.y + 16, "text-anchor": "end" }, group.members.length.toLocaleString("en-US")));
    onPress(top, () => toggle(group));
    return drawn("g", {}, drawn("rect", { class: group.outside ? "box outside" : "box", x, y: group.y, width: BOX, height: group.height, rx: 6 }),
      top, ...group.rows.map((row) => drawRow(row, x)));
  }

  let rows = [], lines = [];

  function draw() {
    const all = groups();
    all.forEach(fill);
    rows = all.flatMap((group) => group.rows);
    rows.forEach((row, number) => { row.number = number; });
    const every = linesBetween(rows);
    lines = every.slice(0, LINES);
    const height = arrange(all, lines);
    const used = COLUMNS.map((_, column) => all.some((group) => group.column === column));
    const present = [0, 1, 2].filter((column) => used[column]);
    const step = present.length > 1 ? (WIDTH - 40 - BOX - (used[2] ? 0 : 60)) / (present.length - 1) : 0;
    const xOf = (column) => 20 + present.indexOf(column) * step;
    const left = (row) => xOf(row.group.column);
    const most = lines.length > 0 ? lines[0].octets : 1;
    const map = byId("map");
    map.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    map.replaceChildren(...lines.map((line) => drawLine(line, left, most)),
      ...present.map((column) => drawn("text", { class: "column", x: xOf(column) + 4, y: 26 }, COLUMNS[column])),
      ...all.map((group) => drawGroup(group, xOf(group.column))));
    const single = rows.filter((row) => row.asset).length;
    const closed = single < state.machines.length ? ` ${single.toLocaleString("en-US")} of ${count(state.machines.length, "machine")} are drawn one by one; press a box to open or close it.` : "";
    const kept = lines.length < every.length ? ` Only the ${LINES} arrows with the most traffic are drawn.` : "";
    byId("drawn").textContent = `Press a machine to see what it uses and serves.${closed}${kept}`;
    fade();
  }

  function toggle(group) {
    state.opened.set(group.key, !group.open);
    draw();
  }

  // What is pointed at or chosen stays bright, with those it is joined with.
  function fade(pointed) {
    const bright = pointed || (state.chosen ? new Set([state.chosen]) : null);
    byId("map").classList.toggle("fading", Boolean(bright));
    const isBright = (row) => bright && row.members.some((asset) => bright.has(asset));
    const near = new Set(rows.filter(isBright));
    for (const line of lines) {
      const on = Boolean(bright) && (isBright(line.from) || isBright(line.to));
      line.shape.classList.toggle("on", on);
      if (on) near.add(line.from).add(line.to);
    }
    for (const row of rows) {
      row.shape.classList.toggle("on", near.has(row));
      row.shape.classList.toggle("chosen", Boolean(state.chosen) && row.asset === state.chosen);
    }
  }

  // Details of one machine.
  function machineLink(asset) {
    const link = element("button", { class: "link", type: "button" }, asset.name);
    link.addEventListener("click", (event) => { event.stopPropagation(); choose(asset); });
    return link;
  }
  function listOf(title, list, other) {
    if (list.length === 0) return [];
    const items = list.slice(0, 100).map((d) => element("li", {}, machineLink(assets[d[other]]), ` ${d.service} `,
      element("span", { class: "quiet" }, `${size(d.octets)}, ${count(d.flows, "flow")}`)));
    if (list.length > 100) items.push(element("li", { class: "quiet" }, `and ${list.length - 100} more: search for its name to see them below`));
    return [element("h3", {}, title), element("ul", {}, ...items)];
  }
  function detail() {
    const asset = state.chosen, box = byId("detail");
    if (!asset) {
      box.replaceChildren(element("h3", {}, "Details"), element("p", { class: "quiet" },
        "Press a machine in the map or in a table: here stands what it uses, what it serves, and to whom."));
      return;
    }
    const partners = (list, end) => new Set(list.map((d) => d[end])).size;
    const joined = asset.joined.map((d) => ({ ...d, other: d.client === asset.index ? d.server : d.client }));
    box.replaceChildren(element("h3", {}, asset.name),
      element("p", { class: "quiet" }, [kind(asset) || "kind not known", asset.inside ? "inside" : "outside", asset.addresses.join(", ")].filter(Boolean).join(" \u00b7 ")),
      ...listOf(`Serves ${count(partners(asset.serves, "client"), "machine")}`, asset.serves, "client"),
      ...listOf(`Uses ${count(partners(asset.uses, "server"), "machine")}`, asset.uses, "server"),
      ...listOf(`Talks with ${count(partners(joined, "other"), "machine")}; nobody clearly serves`, joined, "other"));
  }
  function choose(asset) {
    state.chosen = state.chosen === asset ? null : asset;
    const hidden = state.chosen && state.machines.includes(asset) && !rows.some((row) => row.asset === asset);
    if (hidden) { state.opened.set(`${asset.column} ${groupName(asset)}`, true); draw(); }
    fade();
    detail();
    byId("clear").hidden = !state.chosen && !state.search;
  }

  // Tables: sorted by a press on a head, a page at a time.
  function table(id, columns, list, order, picked) {
    const view = { order, down: true, most: PAGE };
    const value = (row) => columns[view.order].value(row);
    const compare = (a, b) => (typeof value(a) === "number" ? value(a) - value(b) : inOrder(value(a), value(b))) * (view.down ? -1 : 1);
    const head = columns.map((column, at) => {
      const press = element("button", { type: "button" }, column.title);
      press.addEventListener("click", () => {
        if (view.order === at) view.down = !view.down; else Object.assign(view, { order: at, down: Boolean(column.number) });
        show();
      });
      return element("th", { scope: "col", ...(column.number ? { class: "number" } : {}) }, press);
    });
    function line(row) {
      const cells = columns.map((column) => {
        const text = column.show ? column.show(row) : String(column.value(row));
        return element("td", column.number ? { class: "number" } : column.narrow ? { class: "narrow" } : {}, ...[text].flat());
      });
      const made = element("tr", { class: "pick" }, ...cells);
      made.addEventListener("click", () => picked(row));
      return made;
    }
    function show() {
      head.forEach((cell, at) => cell.setAttribute("aria-sort", at !== view.order ? "none" : view.down ? "descending" : "ascending"));
      const wanted = list().sort(compare);
      const body = element("tbody", {}, ...wanted.slice(0, view.most).map(line));
      if (wanted.length > view.most) {
        const more = element("button", { type: "button" }, `Show more of ${wanted.length.toLocaleString("en-US")}`);
        more.addEventListener("click", () => { view.most *= 10; show(); });
        body.append(element("tr", {}, element("td", { colspan: columns.length }, more)));
      }
      if (wanted.length === 0) body.append(element("tr", {}, element("td", { colspan: columns.length, class: "quiet" }, "Nothing.")));
      byId(id).replaceChildren(element("thead", {}, element("tr", {}, ...head)), body);
    }
    return show;
  }

  // One row for each machine and service that it serves.
  const served = new Map();
  for (const d of dependencies) {
    if (d.direction !== "client_server") continue;
    const key = `${d.server} ${d.service}`;
    if (!served.has(key)) served.set(key, { server: assets[d.server], service: d.service, clients: [], octets: 0 });
    const row = served.get(key);
    row.clients.push(assets[d.client]);
    row.octets += d.octets;
  }
  for (const row of served.values()) row.clients = [...new Set(row.clients)].sort((a, b) => inOrder(a.name, b.name));

  function names(list) {
    const parts = list.slice(0, 8).flatMap((asset) => [", ", machineLink(asset)]).slice(1);
    return list.length > 8 ? [...parts, ` and ${list.length - 8} more`] : parts;
  }
  const matches = (text) => !state.search || text.toLowerCase().includes(state.search);
  const searchText = (asset) => [asset.name, asset.network, kind(asset), ...asset.addresses].join(" ");
  const isFound = (...parts) => matches(parts.join(" "));
  const foundDependencies = () => dependencies.filter((d) => isFound(searchText(assets[d.client]), searchText(assets[d.server]), d.service));

  const showServers = table("servers", [
    { title: "Server", value: (row) => row.server.name, show: (row) => machineLink(row.server) },
    { title: "Serves", value: (row) => row.service },
    { title: "Users", number: true, value: (row) => row.clients.length },
    { title: "Who uses it", value: (row) => row.clients[0].name, show: (row) => names(row.clients) },
    { title: "Traffic", number: true, value: (row) => row.octets, show: (row) => size(row.octets) },
  ], () => [...served.values()].filter((row) => isFound(searchText(row.server), row.service, ...(state.search ? row.clients.map(searchText) : []))),
  2, (row) => choose(row.server));

  const showDependencies = table("dependencies", [
    { title: "Who uses", value: (d) => assets[d.client].name, show: (d) => machineLink(assets[d.client]) },
    { title: "Who serves", value: (d) => assets[d.server].name, show: (d) => machineLink(assets[d.server]) },
    { title: "Service", narrow: true, value: (d) => d.service },
    { title: "Traffic", number: true, value: (d) => d.octets, show: (d) => size(d.octets) },
    { title: "Flows", number: true, value: (d) => d.flows, show: (d) => d.flows.toLocaleString("en-US") },
    { title: "First seen", narrow: true, value: (d) => d.first, show: (d) => moment(d.first) },
    { title: "Last seen", narrow: true, value: (d) => d.last, show: (d) => moment(d.last) },
    { title: "Sure", number: true, value: (d) => d.confidence, show: (d) => sure(d) },
  ], foundDependencies, 3, (d) => choose(assets[d.server]));

  function sure(d) {
    const words = d.direction === "peer" ? "both serve" : d.direction === "unknown" ? "not known" : `${Math.round(100 * d.confidence)} %`;
    const text = element("span", { title: `told by: ${d.evidence.replaceAll("_", " ")}` }, words);
    return d.provisional ? [text, " (so far)"] : text;
  }

  function search() {
    state.search = byId("search").value.trim().toLowerCase();
    state.uses = foundDependencies();
    const ends = new Set(state.uses.flatMap((d) => [assets[d.client], assets[d.server]]));
    state.machines = assets.filter((asset) => ends.has(asset) || matches(searchText(asset)));
    byId("found").textContent = state.search ? `${count(state.uses.length, "dependency", "dependencies")} found` : "";
    byId("clear").hidden = !state.chosen && !state.search;
    draw();
    showServers();
    showDependencies();
  }

  let waiting = 0;
  byId("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, assets.length > 300 ? 250 : 30); });
  byId("group").addEventListener("change", () => { state.by = byId("group").value; state.opened.clear(); draw(); });
  byId("clear").addEventListener("click", () => { byId("search").value = ""; state.chosen = null; detail(); search(); });
  detail();
  search();
})();
