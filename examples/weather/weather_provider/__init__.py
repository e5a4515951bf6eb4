"""Sunlight at configured stations: a small provider that really does something, without a network.

WEATHER_STATIONS
    `NAME=LATITUDE,LONGITUDE`, several parted by `;`, in degrees: `Bergen=60.39,5.32;Quito=-0.18,-78.47`.
WEATHER_INTERVAL_SECONDS
    Between two readings; 5 without it.

The latest readings are in `readings.json` in the provider's work directory.
"""

import os
from pathlib import Path

from weather_provider.collector import Collector
from weather_provider.stations import parse_stations

_collectors: list[Collector] = []


def start() -> None:
    stations = parse_stations(os.environ.get("WEATHER_STATIONS", ""))
    interval = float(os.environ.get("WEATHER_INTERVAL_SECONDS", "5"))
    collector = Collector(stations, interval, Path(os.environ["PRAGMA_WORK_DIR"]) / "readings.json")
    collector.start()
    _collectors.append(collector)


def health() -> str | None:
    return next((trouble for collector in _collectors if (trouble := collector.trouble())), None)


def active_resources() -> int:
    return sum(len(collector.stations) for collector in _collectors)


def stop() -> None:
    for collector in _collectors:
        collector.stop()
