/** All that the page says, in English and in Chinese. */

export type Language = "en" | "zh";

const TEXTS = {
    title: ["Boards", "开发板"],
    version: ["Page of version {version}", "页面版本 {version}"],
    language: ["Language", "语言"],
    class: ["Class", "班级"],
    oneBoard: ["One board", "一块板"],
    monitor: ["Monitor", "消息"],
    installTab: ["Install", "安装"],

    connection: ["Connection", "连接"],
    address: ["Broker", "服务器"],
    user: ["User", "用户名"],
    password: ["Password", "密码"],
    remember: ["Remember on this computer", "在这台电脑上记住"],
    connect: ["Connect", "连接"],
    disconnect: ["Disconnect", "断开"],
    rights: ["What the broker does not allow", "服务器不允许的操作"],
    closed: ["Not connected. Say where the broker is, and connect.", "未连接。请填写服务器地址并连接。"],
    connecting: ["Connecting to {address} …", "正在连接 {address} ……"],
    connected: ["Connected to {address}", "已连接 {address}"],
    lost: [
        "The link to {address} is lost; the next attempt is in {seconds} s. What you click now is not sent later.",
        "与 {address} 的连接已断开，{seconds} 秒后重试。现在的点击不会在之后补发。",
    ],
    wrongLogin: [
        "The broker does not let this user in: check user name and password.",
        "服务器不允许这个用户登录：请检查用户名和密码。",
    ],
    badAddress: [
        "This is no address of a broker. It begins with ws:// or wss://, such as ws://192.168.1.5:9001",
        "这不是服务器地址。地址以 ws:// 或 wss:// 开头，例如 ws://192.168.1.5:9001",
    ],
    httpsNeedsWss: [
        "This page came by https, so browsers let it reach a broker only by wss://. Save the page and open the file.",
        "此页面由 https 打开，浏览器只允许用 wss:// 连接。请保存页面后从文件打开。",
    ],
    notSent: ["Not sent: there is no link to the broker.", "未发送：没有连接到服务器。"],
    mayNotPublish: ["The broker does not let you publish to {topic}.", "服务器不允许您发布到 {topic}。"],
    mayNotSubscribe: ["The broker does not let you read {topic}.", "服务器不允许您读取 {topic}。"],

    search: ["Search", "搜索"],
    group: ["Group", "小组"],
    kind: ["Board", "板型"],
    sort: ["Sort", "排序"],
    byName: ["by name", "按名称"],
    byPresence: ["absent first", "离线在前"],
    byNumber: ["by number", "按编号"],
    allGroups: ["all", "全部"],
    allKinds: ["all", "全部"],
    selectAll: ["Select all", "全选"],
    selectNone: ["Select none", "取消选择"],
    to: ["To", "发送给"],
    toBoard: ["1 board", "1 块板"],
    toBoards: ["{count} boards", "{count} 块板"],
    noneYet: [
        "No board yet. A board appears here as soon as it is on this broker.",
        "还没有开发板。板子连接到此服务器后会出现在这里。",
    ],
    noneShown: ["No board fits the search.", "没有符合条件的板。"],
    waiting: ["Sent; {answered} of {all} have answered so far.", "已发送，目前 {answered} / {all} 已回应。"],
    answered: ["It answered.", "已回应。"],
    allAnswered: ["All {all} answered.", "{all} 块全部回应。"],
    someAnswered: ["{answered} of {all} answered; missing: {names}", "{answered} / {all} 已回应；未回应：{names}"],
    attention: ["Attention: lights off for 5 min", "注意：熄灯 5 分钟"],
    moreAttention: ["Lights stay off for {time}: 5 min more", "保持熄灯 {time}：再加 5 分钟"],
    endAttention: ["End it", "结束"],
    updateBoards: ["Update all that can ({count})", "全部更新（{count}）"],
    stopUpdates: ["Stop the update", "停止更新"],
    rolloutGoes: [
        "Update: {done} of {all} run the new version, {active} under way; the first goes alone. Keep this page open.",
        "更新：{done} / {all} 已运行新版本，{active} 块进行中；第一块先单独更新。请保持此页面打开。",
    ],
    rolloutOver: ["Update: {done} of {all} run the new version.", "更新：{done} / {all} 已运行新版本。"],
    rolloutStopped: [
        "Update stopped. {failures}. {done} of {all} run the new version, {active} go on, {waiting} were not begun.",
        "更新已停止。{failures}。{done} / {all} 已运行新版本，{active} 块继续，{waiting} 块未开始。",
    ],
    rolloutCancelled: ["stopped from this page", "已从此页面停止"],
    rolloutNoAnswer: [
        "it does not answer; does this user have the right to start updates?",
        "没有回应；此用户有权启动更新吗？",
    ],
    rolloutSilent: ["nothing heard of it for {minutes} min; ask again when it is back", "{minutes} 分钟没有消息；恢复后请重试"],
    rolloutNotBack: ["it has not come back after its restart; look at it", "重启后没有恢复；请查看该板"],
    rolloutRestarted: ["it was restarted before the image was whole; ask again", "固件未接收完就重启了；请重试"],
    namesAndGroups: ["Names and groups", "名称与小组"],
    boardWord: ["Board", "板"],
    numberAs: ["Name", "名称"],
    number: ["Number them in this order", "按此顺序编号"],
    groupName: ["Group", "小组"],
    putIn: ["Put into the group", "加入小组"],
    takeOut: ["Take out", "移出"],

    on: ["On", "开"],
    off: ["Off", "关"],
    identify: ["Identify", "找板"],
    identifyHint: ["blinks its first LED for five seconds", "第一个灯闪烁五秒"],
    open: ["Open", "打开"],
    colour: ["Colour", "颜色"],
    otherColour: ["Other colour", "其他颜色"],
    brightness: ["Brightness", "亮度"],
    red: ["red", "红"],
    orange: ["orange", "橙"],
    yellow: ["yellow", "黄"],
    lime: ["lime", "黄绿"],
    green: ["green", "绿"],
    cyan: ["cyan", "青"],
    azure: ["azure", "天蓝"],
    blue: ["blue", "蓝"],
    purple: ["purple", "紫"],
    magenta: ["magenta", "洋红"],
    pink: ["pink", "粉"],
    white: ["white", "白"],
    unknown: ["state unknown", "状态未知"],
    isOff: ["off", "关"],
    isOn: ["on, {colour}, {percent} %", "开，{colour}，{percent} %"],
    online: ["online", "在线"],
    offline: ["offline", "离线"],
    offlineSince: ["offline since {time}", "{time} 起离线"],
    unknownPresence: ["not known whether it is there", "不知道是否在线"],
    tooMany: [
        "More than {most} boards have told of themselves: the first {most} are shown.",
        "超过 {most} 块板，只显示前 {most} 块。",
    ],
    touched: ["touched: {pads}", "触摸：{pads}"],
    updating: ["Update", "更新"],
    updateOffered: ["version {version} is offered", "可更新到 {version}"],

    back: ["All boards", "所有板"],
    light: ["Light", "灯"],
    talk: ["Talk to the board", "与板对话"],
    topic: ["Topic", "主题"],
    message: ["Message", "消息"],
    send: ["Send", "发送"],
    examples: ["Examples", "示例"],
    answers: ["What the board answers", "板的回应"],
    keptByBroker: ["kept by the broker", "服务器保留"],
    display: ["Text on the display", "屏幕文字"],
    show: ["Show", "显示"],
    letters: ["{count} of {most} letters", "{count} / {most} 字符"],
    readings: ["What it measures", "测量值"],
    more: ["More", "更多"],
    askStats: ["Ask for its counters", "查询计数"],
    name: ["Name", "名称"],
    nameHint: ["on this page, for everybody who has it open", "显示在所有人的此页面上"],
    groups: ["Groups", "小组"],
    save: ["Save", "保存"],
    restart: ["Restart", "重启"],
    restartSure: ["Restart {name}?", "要重启 {name} 吗？"],
    forget: ["Forget this board", "忘记此板"],
    forgetSure: [
        "Remove all that the broker keeps of {name}? A board that is still there comes back with its next start.",
        "要删除服务器保留的 {name} 的全部信息吗？仍在使用的板下次启动会再出现。",
    ],
    cancel: ["Cancel", "取消"],
    update: ["Update", "更新"],
    install: ["Install {version}", "安装 {version}"],
    updatePercent: ["update at {percent} %", "更新中 {percent} %"],
    runs: ["runs {version}", "当前版本 {version}"],

    topicFilter: ["Topic filter", "主题过滤器"],
    filterHint: ["+ stands for one level, # at the end for all further ones", "+ 代表一级，末尾的 # 代表其后所有级"],
    watch: ["Watch", "查看"],
    wrongFilter: [
        "{filter} is no topic filter: + and # stand alone in a level, # only in the last one.",
        "{filter} 不是主题过滤器：+ 和 # 必须单独占一级，# 只能在最后一级。",
    ],
    wrongTopic: ["{topic} is no topic to publish to: it has no + and no #.", "{topic} 不能用于发布：不能含 + 和 #。"],
    filters: ["Topic filters", "主题过滤器"],
    remove: ["Remove {filter}", "移除 {filter}"],
    showAs: ["Show as", "显示为"],
    text: ["text", "文本"],
    hex: ["hex", "十六进制"],
    json: ["JSON", "JSON"],
    pause: ["Pause", "暂停"],
    goOn: ["Go on ({count} passed by)", "继续（错过 {count} 条）"],
    clear: ["Clear", "清空"],
    exportJson: ["Save as JSON lines", "保存为 JSON 行"],
    exportCsv: ["Save as CSV", "保存为 CSV"],
    messages: ["Messages", "消息列表"],
    wholeMessage: ["The whole message", "完整消息"],
    messageCount: ["{count} messages", "{count} 条消息"],
    cut: ["… of {size} bytes", "……共 {size} 字节"],
    retained: ["retained", "保留"],
    publish: ["Publish", "发布"],
    history: ["Sent before", "已发送"],
    retain: ["retain", "保留"],
    sentTo: ["Sent to {topic}.", "已发送到 {topic}。"],

    noSerial: [
        "This browser has no Web Serial. Use Chrome or Edge on a computer, and open the page by https, from localhost, or as a file.",
        "此浏览器不支持 Web Serial。请在电脑上使用 Chrome 或 Edge，并通过 https、localhost 或本地文件打开此页面。",
    ],
    needsHttps: ["Open this page by https or from localhost.", "请通过 https 或 localhost 打开此页面。"],
    firmware: ["The firmware", "固件"],
    noRelease: [
        "No firmware lies beside this page: open the newest release to install it. A board that has it can be set up here.",
        "此页面旁没有固件：请打开最新发布来安装。已有固件的板子可以在这里设置。",
    ],
    driver: ["Driver of its serial port: {driver}.", "串口驱动：{driver}。"],
    installOn: ["Install or update {product}", "安装或更新 {product}"],
    keepsFiles: [
        "The next dialog asks whether to erase the board. Without that, its programs and settings stay.",
        "接下来会询问是否擦除。不擦除则保留板上的程序和设置。",
    ],
    otherFirmware: ["The board ran another firmware", "板上原来是其他固件"],
    erasesAll: ["This erases everything on the board, programs and settings too.", "这会清除板上的一切，包括程序和设置。"],
    startAfresh: ["Start {product} afresh", "全新安装 {product}"],
    setUp: ["Wi-Fi and broker", "Wi-Fi 与服务器"],
    setUpHint: [
        "Connect a board by USB. What you type goes into it over the cable and stays for the next board.",
        "用 USB 连接开发板。填写的内容通过数据线写入，并保留给下一块板。",
    ],
    setUpOtherwise: [
        "With a phone or tablet: plug the board in, join the Wi-Fi network that it opens, and a page asks for the same.",
        "用手机或平板：给板子通电，加入它打开的 Wi-Fi 网络，页面会询问同样的内容。",
    ],
    connectBoard: ["Choose the board", "选择开发板"],
    stopping: ["Stopping what the board runs …", "正在停止板上的程序 ……"],
    boardFound: ["Board {id} is here.", "已连接板子 {id}。"],
    write: ["Write to the board", "写入板子"],
    checking: ["The board checks it …", "板子正在检查 ……"],
    notWritten: ["Nothing was written: the board finds the faults above.", "未写入：板子发现上述问题。"],
    restarting: ["Written; the board restarts and connects …", "已写入，板子正在重启并连接 ……"],
    isOnline: ["Board {id} is connected to its broker.", "板子 {id} 已连接到服务器。"],
    notOnline: [
        "It is written, but the board is not connected: {why}. Choose the board again to correct it.",
        "已写入，但板子未连接：{why}。可重新选择这块板子修改。",
    ],
    nextBoard: ["Next board", "下一块板"],
    keepList: ["Save the list ({count}) as CSV", "将列表（{count}）保存为 CSV"],
    staysAsItIs: ["empty: stays as it is", "留空则不变"],
    noPrompt: [
        "The board does not answer. Press its reset button, hold button A when the LEDs light up (safe mode), and try again; a board with another firmware must be flashed first.",
        "板子没有回应。请按复位键，在灯亮时按住 A 键（安全模式）后重试；装有其他固件的板子须先写入本固件。",
    ],
    boardAnswered: ["The board answered: {line}", "板子回应：{line}"],
    noPortChosen: [
        "No port was chosen. If the list is empty, the adapter's driver is missing, or the cable carries no data. If no list appeared, this computer's administrator forbids serial ports: set the board up with a phone.",
        "未选择串口。列表为空说明缺少驱动，或数据线不能传数据。没有出现列表，说明这台电脑的管理员禁用了串口：请用手机设置板子。",
    ],
    portBusy: ["The port is used by another program: close it, or unplug the board and plug it in.", "串口被其他程序占用：请关闭它，或重新插拔开发板。"],
    network: ["Wi-Fi name", "Wi-Fi 网络名"],
    networkPassword: ["Wi-Fi password", "Wi-Fi 网络密码"],
    platform: ["Service", "服务"],
    server: ["Broker's address", "服务器地址"],
    mqttUser: ["Broker's user", "服务器用户名"],
    mqttPassword: ["Broker's password", "服务器密码"],
    networkHint: [
        "Only 2.4 GHz: boards do not hear 5 GHz. Capitals and spaces count.",
        "只能用 2.4 GHz，板子收不到 5 GHz。区分大小写和空格。",
    ],
    networkPasswordHint: ["Empty for a network that asks for none.", "网络没有密码时留空。"],
    platformHint: ["Who passes the messages on.", "由谁转发消息。"],
    serverHint: [
        "Such as 192.168.1.5 or broker.local, without its port. Empty for Easy IoT, OneNET and Adafruit IO.",
        "例如 192.168.1.5 或 broker.local，不带端口。Easy IoT、OneNET 和 Adafruit IO 留空。",
    ],
    mqttUserHint: [
        "Empty if the broker asks for none. Easy IoT: Iot_id; OneNET: the product's id.",
        "服务器不要求时留空。Easy IoT 填 Iot_id，OneNET 填产品 ID。",
    ],
    mqttPasswordHint: [
        "Easy IoT: Iot_pwd; OneNET: the device's key; Adafruit IO: the account's key.",
        "Easy IoT 填 Iot_pwd，OneNET 填设备密钥，Adafruit IO 填账号的密钥。",
    ],
    ownBroker: ["A broker (MQTT)", "MQTT 服务器"],
} satisfies Record<string, [string, string]>;

/** What keys of config.json are called; any other stands for itself. */
export const LABELS: Record<string, Text> = {
    "wifi.ssid": "network",
    "wifi.password": "networkPassword",
    "mqtt.platform": "platform",
    "mqtt.server": "server",
    "mqtt.user": "mqttUser",
    "mqtt.password": "mqttPassword",
};

/** What is said below those keys' fields, in place of the schema's own words for people who write files. */
export const HINTS: Record<string, Text> = {
    "wifi.ssid": "networkHint",
    "wifi.password": "networkPasswordHint",
    "mqtt.platform": "platformHint",
    "mqtt.server": "serverHint",
    "mqtt.user": "mqttUserHint",
    "mqtt.password": "mqttPasswordHint",
};

/** What services call themselves; `mqtt` is ownBroker. */
export const SERVICES: Record<string, string> = {
    easyiot: "Easy IoT, SIoT",
    onenet: "OneNET",
    "onenet-legacy": "OneNET, multi-protocol access (多协议接入)",
    adafruit: "Adafruit IO",
};

export type Text = keyof typeof TEXTS;

let language: Language = "en";

export function setLanguage(wanted: Language): void {
    language = wanted;
}

export function currentLanguage(): Language {
    return language;
}

/** The language of the browser, as far as the page has it. */
export function browserLanguage(languages: readonly string[] = navigator.languages): Language {
    const known = languages.map((each) => each.slice(0, 2)).find((each) => each === "en" || each === "zh");
    return known === "zh" ? "zh" : "en";
}

/** Return a text in the person's language, with `{name}` replaced by values. */
export function text(key: Text, values: Record<string, string | number> = {}): string {
    const words = TEXTS[key][language === "en" ? 0 : 1]!;
    return words.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** A time of day. */
export function clock(time: number): string {
    return new Date(time).toLocaleTimeString(language === "en" ? "en-GB" : "zh-CN");
}
