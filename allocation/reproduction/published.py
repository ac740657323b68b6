"""What the paper printed: figure 2 and tables 1 to 3 of its case of 50 spaces and 212 requests [two-stage]."""

from collections.abc import Mapping
from types import MappingProxyType

SPACES, REQUESTS = 50, 212
THRESHOLD, WEIGHT = 1.5, 0.7

TABLE_1: Mapping[float, tuple[float, float, float]] = MappingProxyType(
    {
        12.0: (168, 0.8413, 1181.963),
        6.0: (167, 0.8355, 1172.026),
        4.0: (169, 0.8477, 1192.669),
        3.0: (168, 0.8461, 1189.834),
        2.4: (168, 0.8461, 1189.834),
        2.0: (167, 0.8434, 1185.379),
        12 / 7: (166, 0.8392, 1180.662),
        1.5: (165, 0.8477, 1194.487),
        4 / 3: (162, 0.8386, 1181.307),
        1.2: (162, 0.8386, 1181.307),
        12 / 11: (159, 0.8280, 1168.048),
        1.0: (151, 0.7946, 1122.758),
        12 / 13: (147, 0.7792, 1104.263),
        6 / 7: (139, 0.7473, 1063.013),
        0.8: (137, 0.7404, 1054.052),
        0.75: (135, 0.7357, 1048.652),
        12 / 17: (132, 0.7229, 1035.349),
        2 / 3: (131, 0.7229, 1035.379),
    }
)
"""By threshold: accepted (figure 2), utilisation, revenue."""
THRESHOLDS = tuple(TABLE_1)

TABLE_2: Mapping[float, tuple[float, float]] = MappingProxyType(
    {
        0.0: (273.3361, 254.9452),
        0.1: (224.1465, 254.9452),
        0.2: (209.6465, 254.9452),
        0.3: (209.6465, 254.9452),
        0.4: (192.0143, 242.2395),
        0.5: (192.0143, 242.2395),
        0.6: (188.4814, 242.2395),
        0.7: (187.7238, 242.2395),
        0.8: (187.1238, 254.9452),
        0.9: (188.0780, 254.9452),
        1.0: (188.0780, 254.9452),
    }
)
"""By weight of fragmentation: fragmentation, importance."""
WEIGHTS = tuple(TABLE_2)

TABLE_3: Mapping[str, tuple[float, float, float, float, float]] = MappingProxyType(
    {
        "two_stage": (165, 0.8477, 1194.487, 187.7238, 242.2395),
        "decision_only": (165, 0.8477, 1194.487, 218.5598, 254.9452),
        "fcfs": (171, 0.8567, 1207.2, 274.7338, 242.2053),
    }
)
"""By policy: the `MEASURES`."""
MEASURES = ("accepted", "utilisation", "revenue", "fragmentation", "importance")
