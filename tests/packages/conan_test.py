#!/usr/bin/env python3
"""`conan create`, with the Conan of PyPI and nothing from any of its servers: the core, which requires nothing, then all
parts with libraries of the system. CONAN names the program."""

import os
import shutil
from pathlib import Path

from harness import expect, main, run, skip, work_dir

SOURCE = Path(__file__).resolve().parents[2]
CONAN = Path(os.environ.get("CONAN", SOURCE / "build/conan/bin/conan"))
HOME = SOURCE / "build/conan-home"
PARTS = ("lookup", "curl", "snmp", "collect", "store", "postgres")


def conan(*arguments, **options):
    if not CONAN.exists():
        skip(f"{CONAN} is missing; ./dev test --long installs it")
    return run([CONAN, *arguments], env=os.environ | {"CONAN_HOME": str(HOME)}, timeout=5400, **options)


def create(*options):
    """Builds and tests the package out of a copy of the sources, so that nothing is left in them."""
    conan("profile", "detect", "--exist-ok")
    conan("remote", "disable", "*")
    with work_dir("conan") as directory:
        for name in ("CMakeLists.txt", "LICENSE", "conanfile.py"):
            shutil.copy(SOURCE / name, directory)
        for name in ("cmake", "include", "src", "test_package"):
            shutil.copytree(SOURCE / name, directory / name, ignore=shutil.ignore_patterns("build"))
        done = conan("create", directory, "-s", "compiler.cppstd=20", "-c", "tools.cmake.cmaketoolchain:generator=Ninja",
                     "-c", "tools.cmake.cmaketoolchain:extra_variables={'CMAKE_CXX_COMPILER_LAUNCHER': 'ccache'}", *options)
    return done.stdout + done.stderr


def test_core_alone():
    """The core: no requirement, no system package, its program decodes."""
    output = create()
    expect("decodes: yes" in output, output[-2000:])


def test_all_parts():
    """Every option: each part is linked by the program with all that it needs."""
    output = create(*(word for part in PARTS for word in ("-o", f"&:with_{part}=True")))
    for said in ("decodes: yes", "lookup: ", "collect: ", "store: "):
        expect(said in output, output[-2000:])


def test_what_cannot_be():
    """A client of clouds without the look-ups is refused, with the reason."""
    try:
        create("-o", "&:with_curl=True")
    except AssertionError as error:
        expect("with_curl needs with_lookup" in str(error), str(error)[-2000:])
    else:
        raise AssertionError("with_curl without with_lookup was built")


if __name__ == "__main__":
    main(test_what_cannot_be, test_core_alone, test_all_parts)
