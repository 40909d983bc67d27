"""Real exporters from Debian, run over a capture file: softflowd and pmacctd."""

from harness import Process, need, run


class RealExporter:
    """One program with one set of options.

    `sampling` is 1 for every packet; of the last packets of the file it may lose `loses_last`;
    `start(capture, port, directory)` exports to 127.0.0.1:port and ends.
    """

    def __init__(self, name, kind, sampling=1, loses_last=0):
        self.name, self.kind, self.sampling, self.loses_last = name, kind, sampling, loses_last

    def __repr__(self):
        return self.name


class Softflowd(RealExporter):
    def __init__(self, version, *options):
        kind = {5: "netflow", 9: "netflow", 10: "ipfix"}[version]
        super().__init__(" ".join(["softflowd -v", str(version), *options]), kind)
        self.version, self.options = version, options

    def start(self, capture, port, directory):
        # It reads the file, exports every flow at its end and ends. With a control socket it may wait for
        # somebody to connect instead (1.1.0, seen by chance of the path's length), so it gets none.
        run([need("softflowd"), "-r", capture, "-n", f"127.0.0.1:{port}", "-v", self.version, "-d",
             "-p", directory / "softflowd.pid", "-c", "none", *self.options])


class Pmacctd(RealExporter):
    """`plugin` is nfprobe or sfprobe."""

    def __init__(self, plugin, version=None, sampling=1):
        kind = "sflow" if plugin == "sfprobe" else {9: "netflow", 10: "ipfix"}[version]
        shown = f" version {version}" if version else ""
        shown += f" 1:{sampling}" if sampling > 1 else ""
        # sfprobe ends without sending its last, unfinished datagram: less than 1400 octets of samples.
        super().__init__(f"pmacctd {plugin}{shown}", kind, sampling, 10 if plugin == "sfprobe" else 0)
        self.plugin, self.version = plugin, version

    def start(self, capture, port, directory):
        settings = {
            "daemonize": "false", "plugins": f"{self.plugin}[one]", "pcap_savefile": capture,
            # At the end of the file it exports what it holds and ends. (With pcap_savefile_wait, 1.7.7
            # counts the last buffer's packets twice; nfdump showed it.)
            "snaplen": 256, "pidfile": directory / "pmacctd.pid",
            "aggregate": "src_host, dst_host, src_port, dst_port, proto, tos, tcpflags"}
        if self.plugin == "nfprobe":
            settings |= {"nfprobe_receiver": f"127.0.0.1:{port}", "nfprobe_version": self.version,
                         "nfprobe_timeouts": "tcp=3600:maxlife=3600"}
        else:
            settings |= {"sfprobe_receiver": f"127.0.0.1:{port}", "sampling_rate": self.sampling,
                         "sfprobe_agentip": "192.0.2.77"}
        config = directory / "pmacctd.conf"
        config.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
        with Process([need("pmacctd"), "-f", config], directory / "pmacctd.log") as probe:
            probe.wait(60)


def all_exporters():
    return [Softflowd(5), Softflowd(9), Softflowd(10), Softflowd(10, "-b"), Pmacctd("nfprobe", 9),
            Pmacctd("nfprobe", 10), Pmacctd("sfprobe"), Pmacctd("sfprobe", sampling=4)]
