"""Conan 2 recipe. The core requires nothing; each further part is an option and links libraries of the system, which
Conan looks for (and installs, with -c tools.system.package_manager:mode=install). To build, ragel and the headers of
nlohmann_json are needed as well, and those of Asio for `lookup` and `collect`: `./dev setup` has them all."""

import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir
from conan.tools.system.package_manager import Apt

# Each part's Debian packages, and what else is linked with it.
PARTS = {
    "with_lookup": (["libmaxminddb-dev", "libc-ares-dev"], ["maxminddb", "cares", "pthread"]),
    "with_curl": (["libcurl4-openssl-dev", "libpugixml-dev"], ["curl", "pugixml"]),
    "with_snmp": (["libsnmp-dev"], ["netsnmp"]),
    "with_collect": (["libpcap-dev", "libssl-dev", "zlib1g-dev"], ["pcap", "ssl", "crypto", "z", "pthread"]),
    "with_store": (["libsqlitecpp-dev", "libsqlite3-dev"], ["SQLiteCpp", "sqlite3", "pthread", "dl"]),
    "with_postgres": (["libpqxx-dev", "libpq-dev"], ["pqxx", "pq"]),
}
# Options that add to a part instead of being one.
BELONGS_TO = {"with_curl": "with_lookup", "with_snmp": "with_lookup", "with_postgres": "with_store"}


class FlowLens(ConanFile):
    name = "flowlens"
    description = "Who depends on whom, from NetFlow, IPFIX and sFlow"
    license = "Apache-2.0"
    topics = ("netflow", "ipfix", "sflow", "network-monitoring")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False], **{option: [True, False] for option in PARTS}}
    default_options = {"fPIC": True, **{option: False for option in PARTS}}
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"

    def set_version(self):
        text = Path(self.recipe_folder, "CMakeLists.txt").read_text()
        self.version = re.search(r"project\(flowlens VERSION ([0-9.]+)", text).group(1)

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)
        for option, part in BELONGS_TO.items():
            if self.options.get_safe(option) and not self.options.get_safe(part):
                raise ConanInvalidConfiguration(f"{option} needs {part}")

    def _chosen(self):
        return [option for option in PARTS if self.options.get_safe(option)]

    def system_requirements(self):
        packages = [package for option in self._chosen() for package in PARTS[option][0]]
        if packages:
            Apt(self).install(packages, check=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for option in PARTS:
            toolchain.cache_variables[f"FLOWLENS_{option.upper()}"] = bool(self.options.get_safe(option))
        toolchain.cache_variables["FLOWLENS_BUILD_CAPI"] = False  # the recipe is that of the C++ library
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, Path(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, Path(self.package_folder, "lib", "cmake"))  # Conan makes these for each consumer
        rmdir(self, Path(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "flowlens")
        self.cpp_info.set_property("cmake_target_name", "flowlens::flowlens")
        parts = ["core", *(option.removeprefix("with_") for option in self._chosen() if option not in BELONGS_TO)]
        for part in parts:
            info = self.cpp_info.components[part]
            info.libs = [f"flowlens_{part}"]
            info.set_property("cmake_target_name", f"flowlens::{part}")
            info.set_property("pkg_config_name", f"flowlens-{part}")
            info.requires = [] if part == "core" else ["core"]
            for option in self._chosen():
                if BELONGS_TO.get(option, option) == f"with_{part}":
                    info.system_libs += [lib for lib in PARTS[option][1] if lib not in info.system_libs]
