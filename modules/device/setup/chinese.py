"""What the board says on its page, in Chinese. Imported with the first sentence that a browser wants so.

The board says everything in English, on its serial line too: here each sentence is found by its English.
A %s in the Chinese is the value of the %s or %d in the same place of the English. A sentence that is not
here stays English: those of json_text.py, which nobody meets who fills in the form. The page that sets
boards up by cable has these tables, too (ci/build/page_facts.py).

tests/setup/test_chinese.py fails for a sentence of the sources that is missing here, and for one that is
only here.
"""

# A value of these, such as a network's name, stays as it is.
SENTENCES = (
    # wifi.py
    (
        'no network named "%s" is in reach; check wifi.ssid and that it is 2.4 GHz',
        "附近没有名为“%s”的网络；请检查网络名，并确认它是 2.4 GHz",
    ),
    ('"%s" refuses the password; check wifi.password', "“%s”拒绝了密码；请检查网络密码"),
    (
        '"%s" asks for another kind of password, or for none; check wifi.password',
        "“%s”要求另一种密码，或不需要密码；请检查网络密码",
    ),
    ('"%s" cannot be joined (status %d)', "无法加入“%s”（状态 %s）"),
    (
        '"%s" gives no address; is its DHCP server on?',
        "“%s”没有分配地址；路由器的 DHCP 打开了吗？",
    ),
    ('"%s" does not let the board in; check wifi.password', "“%s”不让板子加入；请检查网络密码"),
    # program.py, form.py and config.py
    (
        "the board cannot save this (error %d); is its disk full?",
        "板子无法保存（错误 %s）；它的磁盘满了吗？",
    ),
    ("%s: larger than %d bytes", "%s: 超过 %s 字节"),
    ("too many tries; wait half a minute", "尝试次数太多；请等半分钟"),
    (
        "open the address that the board has told by its cable",
        "请打开板子通过数据线给出的地址",
    ),
    ("this is no UTF-8 text", "这不是 UTF-8 文字"),
    ("line %d, column %d: %s", "第 %s 行，第 %s 列：%s"),
    ('an object with "config" was expected here', '这里应该是含有 "config" 的对象'),
    ("and %d more", "还有 %s 处"),
    # kinds.py
    (
        "mqtt.password: there is no user for it; give mqtt.user, or no password",
        "mqtt.password: 填了密码，没有填用户名；请填写用户名，或不填密码",
    ),
    (
        "topics.%s: the same as topics.command, so the board would hear itself; "
        "give it a topic of its own",
        "topics.%s: 与命令主题相同，板子会听到自己发的消息；请换一个主题",
    ),
    (
        "topics.status: the same as topics.state, so each would replace the other; give it "
        "a topic of its own",
        "topics.status: 与状态主题相同，两者会互相覆盖；请换一个主题",
    ),
    (
        "topics.groups: %s is taken by topics.%s; give the group another topic",
        "topics.groups: %s 已用于 topics.%s；请给小组换一个主题",
    ),
    (
        'topics.groups: there is no lamp to switch in the mode "echo"',
        'topics.groups: 模式 "echo" 下没有灯可以控制',
    ),
    (
        'homeassistant: there is no lamp to switch in the mode "echo"',
        'homeassistant: 模式 "echo" 下没有灯可以控制',
    ),
    (
        "homeassistant: nobody can publish to a topics.command with + or #; give it a "
        "topic of its own, or none for the default",
        "homeassistant: 含 + 或 # 的命令主题不能用来发布；请换一个主题，或不填",
    ),
    (
        "homeassistant: needs topics.%s; give one, or leave it out",
        "homeassistant: 需要 topics.%s；请填写，或删去这个键",
    ),
    ('%s: unknown key; did you mean "%s"?', "%s: 没有这个键；是不是“%s”？"),
    (
        "%s: unknown key; remove it (known here: %s)",
        "%s: 没有这个键；请删去（这里可用的键：%s）",
    ),
)

# The last value of these, what is allowed, is made of PARTS; the others stay as they are.
PROBLEMS = (
    ("%s: missing; give %s", "%s: 没有填；请填：%s"),
    ("%s: found an object; allowed: %s", "%s: 现在是对象；应为：%s"),
    ("%s: found a list; allowed: %s", "%s: 现在是列表；应为：%s"),
    ("%s: found a value of the wrong form; allowed: %s", "%s: 格式不对；应为：%s"),
    ("%s: found %s; allowed: %s", "%s: 现在是 %s；应为：%s"),
)

# Made of each other, the longer ones first.
PARTS = (
    ('%s, or "" for an open network', "%s；开放的网络不填"),
    ("%s, or a list [...] of 1 to %d of them", "%s；或由 1 至 %s 个组成的列表 [...]"),
    ("%s, + and # alone between slashes, # last", "%s，+ 和 # 须单独占一级，# 只能在最后一级"),
    ('%s ("": none)', "%s（可不填）"),
    (
        '%s; Home Assistant finds boards only on a broker of your own, "platform": "mqtt"',
        '%s；Home Assistant 只能在自己的服务器上找到板子："platform": "mqtt"',
    ),
    (
        '[]; groups are only on a broker of your own, "platform": "mqtt"',
        '[]；小组只能用在自己的服务器上："platform": "mqtt"',
    ),
    (
        'a list of up to %d topic names without + #, such as ["class/7b"]',
        '至多 %s 个主题名的列表，不含 + #，例如 ["class/7b"]',
    ),
    (
        "the device's key in base64, or a token that begins with version=",
        "base64 的设备密钥，或以 version= 开头的 token",
    ),
    ("false, true, or %s", "false、true 或 %s"),
    ("true, false, or %s", "true、false 或 %s"),
    ("%s of %d to %d bytes without %s", "%s，%s 至 %s 字节，不含 %s"),
    ("%s of %d to %d bytes", "%s，%s 至 %s 字节"),
    ("a whole number from %d to %d", "%s 至 %s 的整数"),
    ("the beginning of %s", "%s的开头"),
    ("a feed's key: small letters, digits, - and .,", "feed 的 key（小写字母、数字、- 和 .）"),
    (
        "a name or address alone, its port in mqtt.port, without spaces,",
        "名字或地址，没有空格，端口另填",
    ),
    ("printable text", "文字"),
    ("small letters, digits and -,", "小写字母、数字和 -"),
    ("letters, digits and -,", "字母、数字和 -"),
    ("a certificate file's path,", "证书文件的路径"),
    ("topic filter", "主题过滤器"),
    ("topic name", "主题名"),
    ("the Iot_id,", "Iot_id"),
    ("the Iot_pwd,", "Iot_pwd"),
    ("the product's id,", "产品 ID"),
    ("the device's name,", "设备名称"),
    ("the device's id,", "设备 ID"),
    ("the device's authentication information,", "鉴权信息"),
    ("the Adafruit IO user name,", "用户名"),
    ("the Adafruit IO key,", "密钥"),
    ("an object {...}", "对象 {...}"),
    ("%s or %s", "%s 或 %s"),
)

_KEY = "%s: "  # at the beginning of what is said of a key


def _match(english, text):
    # Return what stands in a text in the place of each %s and %d, a list; None if it is another text.
    first = english.find("%")
    if first == 0 and english.startswith(_KEY):
        # It ends at the first of its colons: what is wrong with it may quote anything, such as
        # "x: found y; allowed: z".
        key, colon, rest = text.partition(_KEY[2:])
        values = _match(english[len(_KEY) :], rest) if colon else None
        return None if values is None else [key] + values
    if first < 0:
        return [] if text == english else None
    begin = english[:first]
    end = english[english.rfind("%") + 2 :]
    if not (text.startswith(begin) and text.endswith(end)):
        return None
    # From the end: what a person has typed stands in front.
    values = []
    stop = len(text) - len(end)
    for piece in reversed(english.split("%")[1:-1]):
        piece = piece[1:]
        at = text.rfind(piece, 0, stop)
        if at < 0:
            return None
        values.append(text[at + len(piece) : stop])
        stop = at
    if stop < first:
        return None
    values.append(text[first:stop])
    values.reverse()
    return values


def _find(table, text):
    # Return (Chinese, values) of a text; (None, None) if it is not in the table.
    for english, chinese in table:
        values = _match(english, text)
        if values is not None:
            return chinese, values
    return None, None


def _translate_part(part):
    chinese, values = _find(PARTS, part)
    return part if chinese is None else chinese % tuple([_translate_part(each) for each in values])


def translate(sentence):
    """Return a sentence in Chinese; as it is if it is not here. Takes a board 20 ms at most."""
    chinese, values = _find(SENTENCES, sentence)
    if chinese is None:
        chinese, values = _find(PROBLEMS, sentence)
        if chinese is None:
            return sentence
        values[-1] = _translate_part(values[-1])
    return chinese % tuple(values)
