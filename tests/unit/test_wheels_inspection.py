"""A wheel is read for what it says of itself; an archive that is not plainly a wheel is refused."""

import io
import stat
import struct
import time
import warnings
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.wheels import Packages, WheelInvalid
from provider_hub.domain.wheels import inspection as limits
from provider_hub.domain.wheels.inspection import inspect_wheel

FILE_NAME = "acme_store-1.2.0-py3-none-any.whl"
DIST_INFO = "acme_store-1.2.0.dist-info"
METADATA = """Metadata-Version: 2.1
Name: Acme.Store
Version: 1.2.0
Summary: Shops
Requires-Python: >=3.11

A longer text.
"""

Entries = dict[str | zipfile.ZipInfo, bytes]


def entries(**changed: str | bytes | None) -> Entries:
    """A wheel's entries; `METADATA`, `WHEEL` and others of its .dist-info by their names, None = left out."""
    info: dict[str, str | bytes | None] = {
        "METADATA": METADATA,
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
        **changed,
    }
    found: Entries = {"acme/__init__.py": b"", "acme/store.py": b"x = 1\n"}
    for name, content in info.items():
        if content is not None:
            found[f"{DIST_INFO}/{name}"] = content.encode() if isinstance(content, str) else content
    return found


def archive(content: Entries, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the duplicates that are meant here
        for name, data in content.items():
            written.writestr(name, data, compress_type=compression)
    return buffer.getvalue()


def inspect(data: bytes, file_name: str = FILE_NAME) -> limits.WheelContents:
    return inspect_wheel(io.BytesIO(data), file_name)


def refused(data: bytes, why: str, file_name: str = FILE_NAME) -> None:
    with pytest.raises(WheelInvalid, match=why):
        inspect(data, file_name)


def member(name: str, change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    change(info)
    return info


def test_a_wheel_tells_its_name_version_packages_and_what_it_needs() -> None:
    assert inspect(archive(entries())) == limits.WheelContents(
        distribution="Acme.Store",
        version="1.2.0",
        packages=Packages(("acme",), frozenset({"acme", "acme.store"}), provider="acme"),
        requires_python=">=3.11",
        summary="Shops",
        metadata=entries()[f"{DIST_INFO}/METADATA"],
    )


def test_summary_and_python_version_may_be_left_out() -> None:
    contents = inspect(archive(entries(METADATA="Metadata-Version: 2.1\nName: acme-store\nVersion: 1.2\n")))
    assert (contents.version, contents.requires_python, contents.summary) == ("1.2", None, None)


def test_packages_are_what_can_be_imported() -> None:
    more: Entries = {
        "single.py": b"",
        "native.cpython-311-x86_64-linux-gnu.so": b"",
        "namespace/deep/module.py": b"",
        "acme_store-1.2.0.data/purelib/placed/__init__.py": b"",
        "acme_store-1.2.0.data/scripts/run.py": b"",
        "docs/readme.txt": b"",
        "not-importable/__init__.py": b"",
        "empty/": b"",
    }
    assert inspect(archive(entries() | more)).packages.candidates == (
        "acme",
        "namespace.deep.module",
        "native",
        "placed",
        "single",
    )


def test_what_a_package_vendors_is_not_mistaken_for_the_wheel() -> None:
    vendored: Entries = {"acme/_vendor/other-9.dist-info/METADATA": b"Name: other\n"}
    assert inspect(archive(entries() | vendored)).distribution == "Acme.Store"


@pytest.mark.parametrize(
    "name",
    [
        "acme.whl",
        ".whl",
        "acme_store-1.2.0.whl",
        "acme_store-x-py3-none-any.whl",
        "acme__x-1.2.0-py3-none-any.whl",
        f"acme_store-{'1' * 5000}-py3-none-any.whl",
        f"acme_store-1.2.0-{'1' * 5000}-py3-none-any.whl",
    ],
)
def test_a_file_name_that_is_no_wheels_is_refused(name: str) -> None:
    refused(archive(entries()), "no wheel's file name", name)


@pytest.mark.parametrize(
    "name",
    [
        "\N{LATIN SMALL LETTER E WITH ACUTE}cme-1.2.0-py3-none-any.whl",
        "acme_store-1.2.0-1 of many-py3-none-any.whl",
        "acme_store-1.2.0-1/../x-py3-none-any.whl",
        "acme_store-1.2.0-py3-none-linux%2F.whl",
        f"acme_store-1.2.0-1{'x' * 255}-py3-none-any.whl",
    ],
)
def test_a_file_name_that_no_wheel_is_kept_under_is_refused(name: str) -> None:
    refused(archive(entries()), "no file name to keep", name)
    with pytest.raises(ValueError, match="no file name to keep"):
        kept_name("a" * 64, name)


@pytest.mark.parametrize(
    "tags",
    [
        "-".join(".".join(f"{part}{number}" for number in range(220)) for part in ("py", "abi", "linux")),
        f"{'.'.join(f'py{number}' for number in range(65))}-none-any",
        "-".join(".".join(f"{part}{number}" for number in range(11)) for part in ("py", "abi", "linux")),
    ],
)
def test_a_file_name_whose_tags_multiply_is_refused_at_once(tags: str) -> None:
    began = time.process_time()
    refused(archive(entries()), "too many tags", f"acme_store-1.2.0-{tags}.whl")
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("line", ["X-{}: x", " folded {}", "Classifier: {}"])
def test_metadata_of_very_many_headers_is_refused_at_once(line: str, end: str) -> None:
    headers = end.join([METADATA.partition("\n\n")[0], *(line.format(number) for number in range(40_000))])
    data = archive(entries(METADATA=headers.encode()))
    began = time.process_time()
    refused(data, "over 2000 lines of headers")
    assert time.process_time() - began < 1


def test_a_long_description_is_no_header() -> None:
    contents = inspect(archive(entries(METADATA=METADATA + "X: a line\n" * 10_000)))
    assert contents.summary == "Shops"


def test_what_is_stored_of_the_metadata_is_bounded() -> None:
    long = METADATA.replace("Shops", "S" * 100_000)
    assert inspect(archive(entries(METADATA=long))).summary == "S" * limits.MAX_SUMMARY
    needs = METADATA.replace(">=3.11", ",".join([">=3.11"] * 100))
    refused(archive(entries(METADATA=needs)), "Requires-Python has over 500 characters")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize("last", [True, False], ids=["", "no final newline"])
def test_text_files_of_any_system_are_read(end: str, *, last: bool) -> None:
    texts = {
        "METADATA": METADATA.partition("\n\n")[0] + "\n",
        "WHEEL": "Wheel-Version: 1.0\n",
        "RECORD": "acme/__init__.py,,\n",
        "entry_points.txt": "[other]\nx = y\n\n[pragma.provider]\nshop = acme.store\n",
    }
    written = {name: (text if last else text.rstrip("\n")).replace("\n", end) for name, text in texts.items()}
    contents = inspect(archive(entries(**written, **{"top_level.txt": f"\ufeffacme{end if last else ''}"})))
    assert (contents.distribution, contents.version, contents.summary) == ("Acme.Store", "1.2.0", "Shops")
    assert contents.packages.provider == "acme.store"


def test_unusual_line_separators_end_no_header() -> None:
    metadata = METADATA.replace("Shops", "Shops\x0bName: other\x0cVersion: 9\u2028Name: other\x85x")
    contents = inspect(archive(entries(METADATA=metadata)))
    assert (contents.distribution, contents.version) == ("Acme.Store", "1.2.0")


@pytest.mark.parametrize("name", ["other-1.2.0-py3-none-any.whl", "acme_store-1.2.1-py3-none-any.whl"])
def test_a_file_name_of_another_distribution_or_version_is_refused(name: str) -> None:
    refused(archive(entries()), "is not of", name)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"METADATA": None}, "has no .*METADATA"),
        ({"RECORD": None}, "has no .*RECORD"),
        ({"METADATA": METADATA.encode() + b"\nAuthor: Jos\xe9\n"}, "METADATA is no UTF-8 text at line 9"),
        ({"RECORD": b"acme/Jos\xe9.py,,\n"}, "RECORD is no UTF-8 text at line 1"),
        ({"WHEEL": b"Wheel-Version: 1.0\nGenerator: Jos\xe9\n"}, "WHEEL is no UTF-8 text at line 2"),
        ({"entry_points.txt": b"[\xe9]\n"}, "entry_points.txt is no UTF-8 text"),
        ({"entry_points.txt": "no group\n"}, "entry_points.txt is no list of entry points"),
        (
            {"entry_points.txt": "[console_scripts]\nserve = acme.store:main\nold = acme.store\n"},
            "program 'old' names no function, but 'acme.store': write it as module:function",
        ),
        ({"entry_points.txt": "[gui_scripts]\nshop = acme.store:\n"}, "program 'shop' names no function"),
        ({"entry_points.txt": "[console_scripts]\nshop = :main\n"}, "program 'shop' names no function"),
        ({"entry_points.txt": "[console_scripts]\nshop =\n"}, "program 'shop' names no function"),
        ({"entry_points.txt": "[console_scripts]\nshop = acme:main [extra\n"}, "program 'shop' names no function"),
        ({"entry_points.txt": "[console_scripts]\nshop = acme:main:twice\n"}, "program 'shop' names no function"),
        ({"WHEEL": None}, "has no .*WHEEL"),
        ({"METADATA": METADATA.replace("Acme.Store", "other")}, "metadata names 'other'"),
        ({"METADATA": METADATA.replace("Acme.Store", "../other")}, "metadata names"),
        ({"METADATA": METADATA.replace("1.2.0", "1.2.1")}, "says version '1.2.1'"),
        ({"METADATA": METADATA.replace("1.2.0", "latest")}, "says version 'latest'"),
        ({"METADATA": METADATA.replace("1.2.0", "1" * 5000)}, "says version '111"),
        ({"METADATA": METADATA.replace("Summary: Shops", "Version: 1.2.0")}, "says version ''"),
        ({"METADATA": METADATA.replace("Version: 1.2.0\n", "")}, "says version ''"),
        ({"METADATA": METADATA.replace("Name: Acme.Store\n", "")}, "metadata names ''"),
        ({"METADATA": METADATA.replace(">=3.11", "newer")}, "Requires-Python"),
        ({"METADATA": b"\xff\xfe\x00"}, "METADATA is no UTF-8 text at line 1"),
        ({"METADATA": ""}, "metadata names ''"),
        ({"METADATA": "\ufeff" + METADATA}, "METADATA begins with a byte-order mark"),
        ({"WHEEL": "\ufeffWheel-Version: 1.0\n"}, "WHEEL begins with a byte-order mark"),
        (
            {"entry_points.txt": "\ufeff[pragma.provider]\nacme = acme\n"},
            "entry_points.txt begins with a byte-order mark",
        ),
        ({"WHEEL": "Wheel-Version: 2.0\n"}, "Wheel-Version 1.x"),
        ({"WHEEL": ""}, "Wheel-Version 1.x"),
        ({"WHEEL": b"\x00\xff"}, "WHEEL is no UTF-8 text at line 1"),
    ],
)
def test_metadata_that_is_missing_or_says_otherwise_is_refused(
    changed: dict[str, str | bytes | None], why: str
) -> None:
    refused(archive(entries(**changed)), why)


@pytest.mark.parametrize(
    "entry_points",
    [
        "[console_scripts]\nserve = acme.store:main\n[gui_scripts]\nshop = acme:Shop.open\n",
        "[console_scripts]\nserve = acme.store : main [fast, safe]\nshop = acme:main[fast]\n",
        "[console_scripts]\n# old = acme\n",
        "[acme.plugins]\nstore = acme.store\n[DEFAULT]\nx = acme\n[console_scripts]\n",
    ],
)
def test_programs_that_name_a_function_are_taken_and_other_groups_may_name_modules(entry_points: str) -> None:
    assert inspect(archive(entries(**{"entry_points.txt": entry_points}))).packages.provider == "acme"


def test_a_second_or_no_dist_info_folder_is_refused() -> None:
    refused(archive(entries() | {"other-1.0.dist-info/METADATA": b""}), "has 2 .dist-info folders")
    refused(archive({"acme/__init__.py": b""}), "has 0 .dist-info folders")


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"<html>not found</html>", b"PK\x03\x04" + b"\x00" * 100, b"\x1f\x8b" * 50]
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    refused(content, "no wheel")


def test_an_empty_archive_is_refused() -> None:
    refused(archive({}), "no wheel")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "acme/../../evil.py",
        "/etc/passwd",
        "C:/evil.py",
        "c:evil.py",
        "acme\\evil.py",
        "./acme/x.py",
        "a//b.py",
        "..",
        "a\nb.py",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    refused(archive(entries() | {member(name): b""}), "unsafe name")


def test_a_name_with_a_nul_is_refused() -> None:
    data = archive(entries() | {"acme/harmless.py_evil": b""})
    refused(data.replace(b"harmless.py_evil", b"harmless.py\x00evil"), "unsafe name")


def test_a_symbolic_link_is_refused() -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16

    refused(archive(entries() | {member("acme/link.py", link): b"/etc/passwd"}), "link or a device")


def test_a_name_given_twice_is_refused() -> None:
    refused(archive(entries() | {member("acme/store.py"): b"x = 2\n"}), "two entries named 'acme/store.py'")
    refused(archive(entries() | {"acme/store.py/": b""}), "two entries named")


def patched_directory(data: bytes, offset: int, value: bytes) -> bytes:
    """`data` with the first entry of its central directory changed at `offset`."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


def test_an_encrypted_entry_is_refused() -> None:
    refused(patched_directory(archive(entries()), 8, struct.pack("<H", 1)), "is encrypted")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_that_installers_may_not_unpack_is_refused(compression: int) -> None:
    refused(archive(entries(), compression), "neither stored nor deflated")


def test_an_archive_that_says_it_unpacks_to_too_much_is_refused() -> None:
    data = patched_directory(archive(entries()), 24, struct.pack("<L", limits.MAX_UNPACKED_BYTES + 1))
    refused(data, "unpacks to over 2 GiB")


def test_metadata_that_unpacks_to_too_much_is_refused() -> None:
    bomb = METADATA + " " * limits.MAX_METADATA_BYTES
    data = archive(entries(METADATA=bomb))
    assert len(data) < 10_000
    refused(data, "METADATA is over 1024 KiB")


def test_metadata_that_unpacks_to_more_than_it_says_is_refused() -> None:
    data = archive(entries(METADATA=METADATA + " " * 5_000_000))
    at = data.index(f"{DIST_INFO}/METADATA".encode(), data.index(b"PK\x01\x02")) - 46
    refused(data[: at + 24] + struct.pack("<L", 10) + data[at + 28 :], "damaged")


def test_a_damaged_entry_is_refused() -> None:
    data = archive(entries(), zipfile.ZIP_STORED)
    refused(data.replace(b"Summary: Shops", b"Summary: Chops"), "damaged")


def test_too_many_entries_are_refused_before_their_directory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(entries())
    monkeypatch.setattr(limits, "ZipFile", None)
    monkeypatch.setattr(limits, "MAX_ENTRIES", 4)
    refused(data, "at most 4")
    monkeypatch.setattr(limits, "MAX_ENTRIES", 5)
    monkeypatch.setattr(limits, "MAX_DIRECTORY_BYTES", 100)
    refused(data, "list of entries is over")


def test_bytes_before_after_or_between_are_refused() -> None:
    data = archive(entries())
    refused(b"#!/bin/sh\n" + data, "does not begin as a zip")
    refused(data[:4] + b"\x00" * 8 + data[4:], "belong to no entry")
    refused(data + b"\x00", "does not end as a zip")
    refused(data[:-2] + b"\x03\x00abc", "does not end as a zip")


def test_an_end_record_that_counts_otherwise_is_refused() -> None:
    data = archive(entries())
    refused(data[:-14] + struct.pack("<HH", 4, 4) + data[-10:], "not as many as")
    refused(data[:-14] + struct.pack("<HH", 4, 5) + data[-10:], "split or zip64")


def test_a_zip64_archive_is_refused() -> None:
    data = archive(entries())
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    refused(data[:-22] + locator + data[-22:], "zip64")


@settings(max_examples=settings.default.max_examples * 3, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_an_archive_damaged_anywhere_is_read_or_refused_and_nothing_else(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(archive(entries()))
    for place, value in damage:
        at = place % len(data)
        data[at : at + len(value)] = value
    try:
        contents = inspect(bytes(data))
    except WheelInvalid:
        return
    assert contents.version == "1.2.0"


def requiring(*lines: str) -> bytes:
    dependencies = "".join(f"Requires-Dist: {line}\n" for line in lines)
    return archive(entries(METADATA=METADATA.replace("Summary:", f"{dependencies}Summary:")))


def test_dependencies_by_name_and_version_are_accepted() -> None:
    inspect(requiring("urllib3>=2,<3", "rich[jupyter]~=15.0 ; python_version < '3.14'", "pytest ; extra == 'test'"))


@pytest.mark.parametrize(
    "line",
    [
        "weather-core @ https://wheels.example/weather_core-1.0.0.tar.gz",
        "weather-core @ https://wheels.example/weather_core-1.0.0-py3-none-any.whl",
        "weather-core @ git+https://github.example/acme/weather-core",
        "weather-core@file:///tmp/weather-core",
        "weather-core @ https://robot:s3cret@wheels.example/weather_core-1.0.0.tar.gz ; extra == 'fast'",
    ],
)
def test_a_dependency_by_url_is_refused_with_the_remedy(line: str) -> None:
    with pytest.raises(WheelInvalid, match=r"weather-core is a direct reference.* depend on it by name") as refusal:
        inspect(requiring("urllib3", line))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "line", ["", "weather core", "weather>=", "https://robot:s3cret@wheels.example/w.whl", "../core"]
)
def test_a_dependency_that_no_installer_reads_is_refused_with_the_remedy(line: str) -> None:
    with pytest.raises(WheelInvalid, match=r"not a PEP 508 requirement.* build the wheel again") as refusal:
        inspect(requiring(line))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "marker",
    [
        "python_version ~= '3'",
        "sys_platform ~= 'linux'",
        "os_name === 'posix'",
        "'x' in extras",
        "'posix' == 'nt'",
        f"python_version > '{'1' * 5000}'",
        "extra == 'fast' and platform_machine ~= 'x86_64'",
    ],
)
def test_a_dependency_whose_marker_nothing_evaluates_is_refused_with_the_remedy(marker: str) -> None:
    refused(requiring("urllib3", f"weather>=1; {marker}"), r".weather>=1; .* marker that nothing can evaluate")


@pytest.mark.parametrize("line", ["a; sys_platform != 'b\n --index-url https://evil.example/\n '", "a\t>=1"])
def test_a_dependency_with_unprintable_characters_is_refused(line: str) -> None:
    refused(requiring(line), "unprintable characters: write it on one line")


def test_a_wheel_with_too_many_dependencies_is_refused() -> None:
    refused(requiring(*(f"name{number}" for number in range(1001))), "declares 1001 dependencies: at most 1000")
