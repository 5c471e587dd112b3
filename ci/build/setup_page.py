"""Make the pages of set-up as the board sends them: modules/device/setup/page.html with the fields of
the configuration's rules in it, in English and Chinese, compressed, as a module to freeze.

    python ci/build/setup_page.py --output build/setup/device/setup/page.py
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import string
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # for `ci`, where a manifest starts this by its path

from ci.board.device_config import device_module  # noqa: E402
from ci.problem import Problem  # noqa: E402

kinds = device_module("kinds")
platforms = device_module("platforms")
rules = device_module("rules")

PAGE = ROOT / "modules" / "device" / "setup" / "page.html"

# What the form asks for, in its three places; the rest is for a whole config.json.
FIELDS = {
    "WIFI": ("wifi.ssid", "wifi.password"),
    "MAIN": ("mqtt.server", "mqtt.user", "mqtt.password", "mqtt.client_id", "topics.command"),
    "MORE": ("topics.state", "topics.status", "mqtt.port", "mqtt.tls", "mode", "brightness"),
}

# What a field is called, {English|Chinese} where they differ: by its key, or by what its rule says
# that it is.
LABELS = {
    "wifi.ssid": "{Its name|网络名}",
    "wifi.password": "{Its password|网络密码}",
    "mqtt.server": "{Broker's address|服务器地址}",
    "mqtt.user": "{User|用户名}",
    "mqtt.password": "{Password|密码}",
    "mqtt.client_id": "{Client id|客户端 ID}",
    "topics.command": "{Topic of commands|命令主题}",
    "topics.state": "{Topic of its state|状态主题}",
    "topics.status": "{Topic of its presence|在线主题}",
    "mqtt.port": "{Port|端口}",
    "mqtt.tls": "TLS",
    "mode": "{Mode|模式}",
    "brightness": "{Brightness %|亮度 %}",
    "the Iot_id,": "Iot_id",
    "the Iot_pwd,": "Iot_pwd",
    "the product's id,": "{Product id|产品 ID}",
    "the device's name,": "{Device name|设备名称}",
    "the device's id,": "{Device id|设备 ID}",
    "the device's authentication information,": "{Authentication information|鉴权信息}",
    "the Adafruit IO user name,": "{User name|用户名}",
    "the Adafruit IO key,": "{Key|密钥}",
    "the device's key in base64,": "{Device key or token|密钥/token}",
}


# What services are called where it is not what the configuration calls them.
SERVICES = {"mqtt": "{Your own broker|MQTT}"}


def _label(key: str, kind: Any) -> str:
    for words, label in LABELS.items():
        if kind.allowed.startswith(words):
            return label
    if key not in LABELS:
        raise Problem(f"{key} has no label; give it one in LABELS of ci/build/setup_page.py")
    return LABELS[key]


def _plain() -> dict[str, tuple[Any, Any]]:
    return {key: (kind, default) for key, kind, default in rules.rules("mqtt")}


def _control(key: str, kind: Any, default: Any) -> str:
    """Return the element that asks for a key, as a plain broker needs it."""
    name = f"name={key}" + (" required" if default is None else "")
    match kind:
        case kinds.Choice(choices=choices):
            options = "".join(
                f"<option value={each}>{SERVICES[each]}" if each in SERVICES else f"<option>{each}"
                for each in choices
            )
            return f"<select {name}>{options}</select>"
        case kinds.Switch():
            return f"<input type=checkbox {name}>"
        case kinds.Number():
            return f"<input type=number {name} min={kind.least} max={kind.most}>"
        case kinds.Text():
            # In characters; the board itself counts bytes.
            least = f" minlength={kind.least}" if kind.least > 1 else ""
            secret = " data-s=1" if kind.secret else ""
            return f"<input {name}{least} maxlength={kind.most}{secret}>"
    raise TypeError(
        f"{type(kind).__name__}: say in ci/build/setup_page.py how the form asks for it"
    )


def make_fields(place: str) -> str:
    """Return the fields of one place of the form."""
    plain = _plain()
    return "".join(
        f"<label>{_label(key, plain[key][0])}{_control(key, *plain[key])}<b></b></label>"
        for key in FIELDS[place]
    )


def make_services() -> dict[str, dict[str, Any]]:
    """Return what each platform asks for in another way than a plain broker."""
    plain = _plain()
    shown = [key for keys in FIELDS.values() for key in keys]
    services: dict[str, dict[str, Any]] = {}
    for name in platforms.NAMES:
        own = services[name] = {}
        for key, kind, default in rules.rules(name):
            if key not in shown:
                continue
            label, required = _label(key, kind), int(default is None)
            usual = _label(key, plain[key][0]), int(plain[key][1] is None)
            if isinstance(kind, kinds.Choice) and len(kind.choices) == 1:
                own[key] = 0
            elif (label, required) != usual:
                own[key] = [label if label != usual[0] else 0, required]
    return services


def make_page(language: str) -> str:
    """Return the page as a browser gets it, "en" or "zh": without comments and needless spaces."""
    lines = [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines()]
    text = "\n".join(line for line in lines if not line.startswith("//"))
    markup, tag, script = text.partition("<script>")
    markup = markup.replace(
        "<!--SERVICES-->", _control("mqtt.platform", *_plain()["mqtt.platform"])
    )
    markup = re.sub(r"<!--(\w+)-->", lambda match: make_fields(match[1]), markup)
    services = json.dumps(make_services(), ensure_ascii=False, separators=(",", ":"))
    pieces = re.split(r'("[^"]*")', script)  # every second is a text
    # What the script itself gives a name at the beginning of a line gets one letter.
    names = dict.fromkeys(re.findall(r"^(\w{3,}) = ", script, re.MULTILINE))
    letters = dict(zip(names, string.ascii_uppercase.replace("E", ""), strict=False))
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(
            r"(?<![\w.])\w+(?!\w|: )", lambda match: letters.get(match[0], match[0]), pieces[i]
        )
        pieces[i] = re.sub(r"\s*([=<>&|?:,;{}()+!\n])\s*", r"\1", pieces[i])
    code = "".join(pieces).replace("\n", "").replace(";}", "}")
    page = markup.replace("\n", "") + tag + code.replace('"<!--SERVICES-->"', services)
    return re.sub(r"\{([^{}|]*)\|([^{}|]*)\}", r"\1" if language == "en" else r"\2", page)


def compress(page: str) -> bytes:
    """Return the page compressed, without a date."""
    return gzip.compress(page.encode(), 9, mtime=0)


def module_text() -> str:
    """Return the source of the module device.setup.page."""
    lines = ['"""Made of page.html by ci/build/setup_page.py."""', ""]
    for language in ("en", "zh"):
        lines.append(f"{language.upper()} = {compress(make_page(language))!r}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    output = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(module_text())
