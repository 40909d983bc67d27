#!/usr/bin/env python3
"""The vcpkg port: its manifest, and its portfile run in vcpkg's layout by vcpkg_stand_in.cmake. vcpkg itself, and the
ports of the libraries that it names, are not run: they come from the network."""

import json
import re
from pathlib import Path

from harness import expect, main, run, work_dir

SOURCE = Path(__file__).resolve().parents[2]
PORT = SOURCE / "deploy/vcpkg/flowlens"


def test_manifest():
    """The version is ours; each feature is an option of CMake, and of the portfile."""
    manifest = json.loads((PORT / "vcpkg.json").read_text())
    cmake = (SOURCE / "CMakeLists.txt").read_text()
    expect(f"VERSION {manifest['version']} " in cmake, f"vcpkg.json says {manifest['version']}")
    mapped = dict(re.findall(r"^  (\w+) (FLOWLENS_WITH_\w+)", (PORT / "portfile.cmake").read_text(), re.M))
    expect(set(mapped) == set(manifest["features"]), f"{mapped} are not the features {set(manifest['features'])}")
    for feature, option in mapped.items():
        expect(option == f"FLOWLENS_WITH_{feature.upper()}" and option in cmake, f"{feature}: {option}")


def check_layout(packages, parts):
    for file in ["share/flowlens/copyright", "share/flowlens/usage", "share/flowlens/flowlens-config.cmake",
                 "include/flowlens/decoder.hpp", "lib/pkgconfig/flowlens-core.pc",
                 *(f"{debug}lib/libflowlens_{part}.a" for part in parts for debug in ("", "debug/"))]:
        expect((packages / file).exists(), f"{file} is missing")
    for file in ("debug/include", "debug/share", "lib/cmake", "debug/lib/cmake", "bin"):
        expect(not (packages / file).exists(), f"{file} is there")
    found = {path.stem.removeprefix("libflowlens_") for path in (packages / "lib").glob("*.a")}
    expect(found == set(parts), f"the archives are those of {found}")


def test_port():
    """The core alone, then with features: the layout that vcpkg checks, and a project that uses it."""
    with work_dir("vcpkg") as directory:
        for features, parts in (("", ["core"]), ("collect", ["core", "collect"])):
            work = directory / f"with-{features}"
            run(["cmake", "-D", f"PORT_DIR={PORT}", "-D", f"FEATURES={features}", "-D", f"WORK={work}", "-P",
                 Path(__file__).with_name("vcpkg_stand_in.cmake")], timeout=5400)
            packages = work / "packages/flowlens_x64-linux"
            check_layout(packages, parts)
        for type_ in ("Debug", "Release"):
            run(["cmake", "-S", SOURCE / "tests/consumer/find_component", "-B", work / type_, "-G", "Ninja",
                 f"-DCMAKE_PREFIX_PATH={packages}", f"-DEXAMPLES={SOURCE / 'examples/cpp'}", f"-DCMAKE_BUILD_TYPE={type_}"])
            run(["cmake", "--build", work / type_])
            linked = (work / type_ / "build.ninja").read_text()
            expect(("debug/lib/libflowlens_core.a" in linked) == (type_ == "Debug"), f"{type_} links the other one")


if __name__ == "__main__":
    main(test_manifest, test_port)
