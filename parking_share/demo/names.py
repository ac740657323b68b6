"""Invented names for an invented city."""

from parking_share.spaces.models import LandUse

CITY = "云桥市"
DISTRICT, NEIGHBOUR = "东澜区", "西澜区"

_TREES = [
    "梧桐", "海棠", "银杏", "玉兰", "桂花", "丁香", "紫荆", "香樟", "白桦", "红枫", "青松", "翠柏",
    "金柳", "杜鹃", "茉莉", "芙蓉", "蔷薇", "木棉", "石榴", "枇杷", "腊梅", "合欢", "水杉", "紫藤",
]  # fmt: skip
_ENDINGS = {
    LandUse.RESIDENTIAL: ["苑", "里", "花园", "家园", "新村", "雅居", "小区", "公寓"],
    LandUse.OFFICE: ["大厦", "商务中心", "科技园", "国际中心"],
    LandUse.COMMERCIAL: ["广场", "购物中心"],
    LandUse.PUBLIC: ["医院", "文化中心", "体育馆", "图书馆"],
}
ROADS = [f"{tree}路" for tree in _TREES]
COMPANIES = "物业"


def lot_names(land_use: LandUse) -> list[str]:
    """All names for lots of a kind, none of them twice; neighbours in the list differ."""
    return [f"{tree}{ending}" for ending in _ENDINGS[land_use] for tree in _TREES]
