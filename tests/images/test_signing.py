"""Signed manifests for updates over the air, and the keys that sign them."""

import base64
import hashlib
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ci.image import signing
from ci.image.built import read_build
from ci.image.images import FILES, make_images
from ci.problem import Problem
from tests.images.fake_build import VERSION, make_application


@pytest.fixture(scope="module")
def key_path(tmp_path_factory):
    """A key as `make ota-key` leaves it."""
    path = tmp_path_factory.mktemp("keys") / "ota-key.pem"
    signing.make_key(path)
    return path


@pytest.fixture
def key(key_path):
    return signing.load_key(str(key_path))


@pytest.fixture(autouse=True)
def nobodys_home(monkeypatch, tmp_path):
    """Whoever runs the tests may have a key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTA_KEY", raising=False)


def pem(key, encryption=serialization.NoEncryption()):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


# Keys -------------------------------------------------------------------------------------


def test_key_is_readable_by_owner_alone(key_path):
    assert key_path.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in signing.public_path(key_path).read_bytes()


def test_key_is_never_overwritten(key_path):
    before = key_path.read_bytes()
    with pytest.raises(Problem, match="is there already"):
        signing.make_key(key_path)
    assert key_path.read_bytes() == before


def test_make_ota_key_says_what_to_do(capsys, tmp_path):
    signing.main([])
    said = capsys.readouterr().out
    path = tmp_path / "home" / "mqtt-boards" / "ota-key.pem"
    assert f"{path} is the key" in said
    assert f"make put FILE={signing.public_path(path)} AS=/update.pub" in said
    assert signing.fingerprint(signing.load_key()) in said


def test_public_half_is_what_openssl_writes(key_path):
    command = ["openssl", "rsa", "-in", key_path, "-pubout"]
    public = subprocess.run(command, check=True, capture_output=True).stdout
    assert signing.public_path(key_path).read_bytes() == public


def test_key_comes_from_environment(key, key_path, monkeypatch):
    for value in (str(key_path), key_path.read_text(), f"\n {key_path.read_text()}\n"):
        monkeypatch.setenv("OTA_KEY", value)
        assert signing.fingerprint(signing.load_key()) == signing.fingerprint(key)


def test_unusable_environment_is_not_shown(key_path, monkeypatch):
    """It may be a key that was pasted without its first line, and logs are public."""
    for value in (key_path.read_text().partition("\n")[2], "k" * 300):
        monkeypatch.setenv("OTA_KEY", value)
        with pytest.raises(Problem, match="neither a key") as problem:
            signing.load_key()
        assert value[:20] not in str(problem.value)
        assert problem.value.__suppress_context__  # which has it


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_no_key_is_none(value, monkeypatch):
    if value is not None:  # a CI's secret that is not set is an empty one
        monkeypatch.setenv("OTA_KEY", value)
    assert signing.load_key() is None


def test_named_key_must_be_there(tmp_path):
    with pytest.raises(Problem, match="no.pem cannot be read"):
        signing.load_key(str(tmp_path / "no.pem"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(rsa.generate_private_key(3, 2048)),
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(65537, 2048), serialization.BestAvailableEncryption(b"x")),
    ],
    ids=["empty", "damaged", "1024 bits", "exponent 3", "another kind", "with password"],
)
def test_useless_key_is_refused(data):
    with pytest.raises(Problem, match="make ota-key"):
        signing.parse_key(data, "my.pem")


# Manifests --------------------------------------------------------------------------------


def test_manifest_says_what_image_says(board):
    image = make_application(board, "1.3.0")
    manifest = json.loads(signing.manifest_text(image, "x"))
    assert manifest == {
        "format": 1,
        "board": board.name,
        "version": "1.3.0",
        "size": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "idf": "v5.5.1",
    }


def test_signature_is_one_that_openssl_knows(some_board, key, key_path, tmp_path):
    signed = signing.signed_manifest(make_application(some_board, "1.3.0"), key, "x")
    (tmp_path / "text").write_text(signed["manifest"])
    (tmp_path / "signature").write_bytes(base64.b64decode(signed["signature"]))
    public = signing.public_path(key_path)
    command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", "signature", "text"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)


def test_signature_of_changed_manifest_is_known(some_board, key):
    signed = signing.signed_manifest(make_application(some_board, "1.3.0"), key, "x")
    assert signing.is_signed_by(signed, key)
    signed["manifest"] += " "
    assert not signing.is_signed_by(signed, key)
    del signed["signature"]
    assert not signing.is_signed_by(signed, key)


def test_boot_loader_is_no_application(update):
    with pytest.raises(Problem, match="give the -app.bin"):
        signing.image_name(update.read_bytes(), update.name)


def test_image_without_name_is_refused(some_board):
    image = bytearray(make_application(some_board, "1.3.0"))
    image[48:80] = bytes(32)
    with pytest.raises(Problem, match="does not say which board"):
        signing.image_name(image, "x")


# Beside the images ------------------------------------------------------------------------


@pytest.fixture
def signed_images(board, build_folder, key, tmp_path):
    dist = tmp_path / "signed"
    make_images(board, read_build(board, build_folder), VERSION, FILES, dist, key)
    return dist


def test_images_bring_signed_manifest(board, signed_images, key):
    image = signed_images / f"{board.name}-v{VERSION}-app.bin"
    signed = signing.read_manifest(image.with_suffix(".json"), image.read_bytes())
    assert signing.is_signed_by(signed, key)
    # A command is this with an id and a source: it must fit what boards take (docs/update.md).
    assert len(json.dumps(signed)) < 1500


def test_images_without_key_are_unsigned(board, images):
    image = images / f"{board.name}-v{VERSION}-app.bin"
    assert "signature" not in signing.read_manifest(image.with_suffix(".json"), image.read_bytes())


def test_manifest_of_another_image_is_refused(board, signed_images):
    path = signed_images / f"{board.name}-v{VERSION}-app.json"
    with pytest.raises(Problem, match="belongs to another image"):
        signing.read_manifest(path, make_application(board, "1.3.0"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifest": "x"}', '{"manifest": 1}'])
def test_damaged_manifest_is_refused(some_board, tmp_path, text):
    path = tmp_path / "app.json"
    path.write_text(text)
    with pytest.raises(Problem, match="is damaged"):
        signing.read_manifest(path, make_application(some_board, "1.3.0"))


def test_image_of_another_version_is_not_made(board, build_folder, tmp_path):
    build = read_build(board, build_folder)
    data = build.application.path.read_bytes()
    build.application.path.write_bytes(data.replace(b"/1.2.3\0", b"/1.2.2\0", 1))
    with pytest.raises(Problem, match="was not built from version"):
        make_images(board, build, VERSION, FILES, tmp_path / "dist")
