"""The words of the simulated company: products, addresses, units, names, texts. Everything here is made up.

Mail addresses use the reserved domain example.jp; phone numbers begin with 090-0, a range that is not assigned.
"""

from __future__ import annotations

from typing import NamedTuple


class Product(NamedTuple):
    """One product: price without tax, price with tax, tax rate in percent, months in which it sells twice as well."""

    sku: str
    name: str
    price: int
    rate: int
    peak: tuple[int, ...] = ()

    @property
    def price_with_tax(self) -> int:
        """The shelf price: tax rounded half up to the yen (no price here falls on a half)."""
        return self.price + (self.price * self.rate + 50) // 100


PRODUCTS: tuple[Product, ...] = (
    Product("TEA-001", "煎茶「朝もや」 100g", 1200, 8),
    Product("TEA-002", "深蒸し煎茶 ティーバッグ20包", 900, 8),
    Product("TEA-003", "加賀棒ほうじ茶 80g", 800, 8, (10, 11, 12)),
    Product("TEA-004", "玄米茶 200g", 700, 8),
    Product("TEA-005", "石臼挽き抹茶 30g", 1800, 8, (4, 5)),
    Product("TEA-006", "水出し緑茶 15包", 850, 8, (6, 7, 8)),
    Product("TEA-007", "和紅茶 50g", 1100, 8),
    Product("SWT-001", "抹茶フィナンシェ 6個入", 1680, 8),
    Product("SWT-002", "ほうじ茶サブレ 10枚入", 1200, 8),
    Product("SWT-003", "栗ようかん", 1500, 8, (9, 10, 11)),
    Product("SWT-004", "水ようかん 6個入", 1800, 8, (6, 7, 8)),
    Product("SWT-005", "抹茶生チョコレート", 1600, 8, (1, 2)),
    Product("SWT-006", "桜もなか 5個入", 1400, 8, (3, 4)),
    Product("SWT-007", "茶葉入りクッキー缶", 2400, 8, (12,)),
    Product("GFT-001", "お茶と菓子の詰合せ（小）", 3000, 8, (7, 12)),
    Product("GFT-002", "お茶と菓子の詰合せ（大）", 5000, 8, (7, 12)),
    Product("WAR-001", "横手急須 萌黄", 4200, 10),
    Product("WAR-002", "湯のみ 二客組", 3600, 10),
    Product("WAR-003", "桜皮の茶筒", 5400, 10),
    Product("WAR-004", "茶さじ", 980, 10),
)

# Demand by month (mid-year and year-end gifts, White Day) and by weekday (Monday first).
MONTH_DEMAND = (0.9, 1.05, 1.1, 1.0, 1.0, 0.95, 1.2, 0.85, 0.9, 1.0, 1.05, 1.45)
WEEKDAY_DEMAND = (1.0, 0.9, 0.9, 0.95, 0.95, 1.1, 1.2)


class Town(NamedTuple):
    """Where a customer lives: JIS number and name of the prefecture, city, postcode."""

    number: int
    prefecture: str
    romaji: str
    city: str
    postcode: str


TOWNS: tuple[Town, ...] = (
    Town(13, "東京都", "Tokyo", "世田谷区", "1540000"),
    Town(13, "東京都", "Tokyo", "練馬区", "1760000"),
    Town(14, "神奈川県", "Kanagawa", "横浜市港北区", "2220000"),
    Town(27, "大阪府", "Osaka", "豊中市", "5600000"),
    Town(26, "京都府", "Kyoto", "京都市左京区", "6060000"),
    Town(28, "兵庫県", "Hyogo", "西宮市", "6620000"),
    Town(23, "愛知県", "Aichi", "名古屋市千種区", "4640000"),
    Town(22, "静岡県", "Shizuoka", "静岡市葵区", "4200000"),
    Town(40, "福岡県", "Fukuoka", "福岡市早良区", "8140000"),
    Town(4, "宮城県", "Miyagi", "仙台市青葉区", "9800000"),
    Town(1, "北海道", "Hokkaido", "札幌市豊平区", "0620000"),
    Town(17, "石川県", "Ishikawa", "金沢市", "9200000"),
)


def _names(text: str) -> tuple[tuple[str, str, str], ...]:
    """Names as writing, reading and romaji."""
    return tuple((writing, reading, romaji) for writing, reading, romaji in (name.split(":") for name in text.split()))


SURNAMES = _names("""
    佐藤:サトウ:sato 鈴木:スズキ:suzuki 高橋:タカハシ:takahashi 田中:タナカ:tanaka 伊藤:イトウ:ito 渡辺:ワタナベ:watanabe
    山本:ヤマモト:yamamoto 中村:ナカムラ:nakamura 小林:コバヤシ:kobayashi 加藤:カトウ:kato 吉田:ヨシダ:yoshida 山田:ヤマダ:yamada
    佐々木:ササキ:sasaki 山口:ヤマグチ:yamaguchi 松本:マツモト:matsumoto 井上:イノウエ:inoue 木村:キムラ:kimura
    斎藤:サイトウ:saito 清水:シミズ:shimizu 山崎:ヤマザキ:yamazaki 阿部:アベ:abe 池田:イケダ:ikeda 橋本:ハシモト:hashimoto
    小川:オガワ:ogawa
    前田:マエダ:maeda 藤田:フジタ:fujita 後藤:ゴトウ:goto 岡田:オカダ:okada 髙木:タカギ:takagi 坂本:サカモト:sakamoto
""")
GIVEN_NAMES = _names("""
    陽菜:ハルナ:haruna 結衣:ユイ:yui 美咲:ミサキ:misaki 由美子:ユミコ:yumiko 真理:マリ:mari 直子:ナオコ:naoko
    優花:ユウカ:yuka 千尋:チヒロ:chihiro 恵子:ケイコ:keiko 彩香:アヤカ:ayaka 沙織:サオリ:saori 智子:トモコ:tomoko
    麻衣:マイ:mai 奈々:ナナ:nana 大輔:ダイスケ:daisuke 健一:ケンイチ:kenichi 翔太:ショウタ:shota 拓也:タクヤ:takuya
    浩二:コウジ:koji 雄介:ユウスケ:yusuke 健太:ケンタ:kenta 悠真:ユウマ:yuma 隆志:タカシ:takashi 誠一:セイイチ:seiichi
    亮太:リョウタ:ryota 和也:カズヤ:kazuya 修平:シュウヘイ:shuhei
""")
FEMALE_GIVEN_NAMES = 14  # the first of GIVEN_NAMES; decides the stated gender


class Unit(NamedTuple):
    """One unit of the organisation: its path, people on the first day and latent engagement (0 = average)."""

    path: str
    people: int
    engagement: float


UNITS: tuple[Unit, ...] = (
    Unit("製造事業部/京都工場/製菓課", 18, -0.9),
    Unit("製造事業部/京都工場/包装課", 16, -1.4),
    Unit("製造事業部/京都工場/品質管理課", 9, 0.2),
    Unit("製造事業部/静岡工場/製茶課", 17, 0.8),
    Unit("製造事業部/静岡工場/焙煎課", 12, 1.2),
    Unit("営業本部/東日本営業部/東京営業課", 13, -1.2),
    Unit("営業本部/東日本営業部/仙台営業課", 8, 0.1),
    Unit("営業本部/西日本営業部/大阪営業課", 12, -0.3),
    Unit("営業本部/西日本営業部/福岡営業課", 8, 0.9),
    Unit("営業本部/直営店部/京都本店", 12, 0.4),
    Unit("EC事業部/オンライン店舗部/運営課", 10, 1.3),
    Unit("EC事業部/オンライン店舗部/物流課", 13, -1.1),
    Unit("EC事業部/お客様部/お客様相談室", 4, 0.3),
    Unit("管理本部/人事総務部/人事課", 6, 0.6),
    Unit("管理本部/人事総務部/総務課", 6, -0.1),
    Unit("管理本部/経理部/経理課", 7, 0.0),
)

# The 1on1 programme starts in these units only; each engagement level has units on both sides.
ONE_ON_ONE_UNITS = frozenset(UNITS[i].path for i in (0, 3, 5, 7, 8, 10, 13, 15))
CAREER_UNITS = frozenset(unit.path for unit in UNITS) - ONE_ON_ONE_UNITS
VALUES_UNITS = frozenset(UNITS[i].path for i in (1, 2, 5, 6, 9, 10, 13, 14))


class Item(NamedTuple):
    """One rating item of the staff survey."""

    code: str
    driver: str
    text: str
    level: float
    is_reversed: bool = False


STAFF_ITEMS: tuple[Item, ...] = (
    Item("values_1", "values", "会社の理念に共感している", 3.6),
    Item("values_2", "values", "自社の商品を誇りに思う", 3.9),
    Item("growth_1", "growth", "この1年で成長を実感している", 3.3),
    Item("appraisal_1", "appraisal", "自分の仕事は公正に評価されている", 3.0),
    Item("communication_1", "communication", "上司と率直に話し合えている", 3.3),
    Item("leadership_1", "leadership", "経営陣の示す方向は明確だ", 3.2),
    Item("trust_1", "trust", "職場の仲間を信頼している", 3.7),
    Item("wellbeing_1", "wellbeing", "心身ともに健康に働けている", 3.4),
    Item("wellbeing_2", "wellbeing", "仕事の後は疲れ切ってしまう", 3.1, is_reversed=True),
)
STAFF_ENPS = "この会社で働くことを親しい人にどの程度すすめたいですか（0～10）"
STAFF_COMMENT = "ご意見があればお書きください"
STAFF_COMMENTS = (
    "いつも助け合えるよい職場です。",
    "繁忙期の人員を増やしてほしい。",
    "評価の基準を知りたいです。",
    "休憩室が新しくなってうれしい。",
    "部署間の連絡が遅いと感じます。",
    "新しい機械の研修をもう一度受けたいです。",
)

SHOPPER_NPS = "みなも茶菓を親しい方にすすめる可能性はどのくらいありますか"
SHOPPER_CSAT = "最近のお買い物にどの程度満足されましたか"
SHOPPER_REASONS = "お買い物の決め手をすべてお選びください"
SHOPPER_REASON_OPTIONS = ("味", "価格", "包装・見た目", "贈り物に使える", "お店の対応")
SHOPPER_AGE = "ご年代"
SHOPPER_AGES = ("20代以下", "30代", "40代", "50代", "60代以上")
SHOPPER_COMMENT = "ご意見・ご感想"
SHOPPER_COMMENTS = (
    "香りがよく、毎朝いただいています。",
    "贈った相手にとても喜ばれました。",
    "届くまでに少し時間がかかりました。",
    "定期便があると助かります。",
    "箱がつぶれていて残念でした。",
)

GOOD_REVIEWS = (
    "香りが豊かで、毎朝の楽しみになりました。",
    "贈り物にしたらとても喜ばれました。また頼みます。",
    "甘みがあっておいしいです。家族みんな気に入っています。",
    "包装が丁寧で気持ちよく受け取れました。",
)
PLAIN_REVIEWS = (
    "先月から飲みはじめました。",
    "会社で飲む分を注文しました。",
    "百グラム入りです。急須で二回分いれています。",
)
BAD_REVIEWS = (
    "箱がつぶれて届きました。残念です。",
    "渋みが強くて苦手な味でした。",
    "期待していただけにがっかりしました。",
)

GOOD_MENTIONS = (
    "みなも茶菓の{p}、おいしすぎる🍵 もう手放せない",
    "仕事の合間に{p}。ほっとする時間☺️ #みなも茶菓",
    "母の誕生日に{p}を贈ったら大喜びでした！また頼みます🎁",
    "{p}おいしい…！一人で全部食べちゃった😋",
    "みなも茶菓さんの対応がとても丁寧で感動。リピート決定です✨",
    "友だちにすすめられて買った{p}、想像以上でした👏",
    "包装までかわいい🌸 {p}は手みやげの定番になりそう",
)
PLAIN_MENTIONS = (
    "みなも茶菓の{p}、今日届いた。",
    "{p}って近くの店でも買えるのかな？ #みなも茶菓",
    "午後のひとときは{p}と一緒に。",
    "みなも茶菓の新商品、{p}らしい",
    "駅前でみなも茶菓の紙袋を持っている人を見かけた",
)
BAD_MENTIONS = (
    "みなも茶菓で頼んだ{p}、箱がつぶれて届いた…残念😢",
    "{p}、値上げしたのに量が減ってない？正直がっかり",
    "みなも茶菓、注文してから一週間たっても届かない。問い合わせの返事もなし😡",
    "期待していた{p}、私には合わなかった。もう買わないかな",
)
HANDLE_WORDS: tuple[str, ...] = (
    "ocha",
    "matcha",
    "kyusu",
    "hatsune_cafe",
    "nekomugi",
    "yamabiko",
    "komorebi",
    "sencha",
    "wagashi",
    "tsukimi",
    "asagao",
    "suzume",
)
