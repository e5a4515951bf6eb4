"""Takes a reading of every station at an interval, and keeps the latest in a file."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from weather_provider.stations import Station
from weather_provider.sun import clear_sky_irradiance, elevation


class Collector:
    def __init__(self, stations: tuple[Station, ...], interval: float, path: Path) -> None:
        self.stations = stations
        self._interval = interval
        self._path = path
        self._trouble: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weather", daemon=True)

    def start(self) -> None:
        """Takes the first readings, so that a place that cannot be written to is known at once (OSError)."""
        self.collect()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def trouble(self) -> str | None:
        return self._trouble

    def collect(self) -> None:
        now = datetime.now(UTC)
        readings = [_read(station, now) for station in self.stations]
        # Readers never see half a file.
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"at": now.isoformat(), "readings": readings}, indent=2) + "\n")
        fresh.replace(self._path)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self.collect()
            except OSError as error:
                self._trouble = f"readings cannot be written: {error}"
            else:
                self._trouble = None


def _read(station: Station, at: datetime) -> dict[str, str | float]:
    height = elevation(station.latitude, station.longitude, at)
    return {
        "station": station.name,
        "sun_elevation_degrees": round(height, 2),
        "clear_sky_irradiance_w_m2": round(clear_sky_irradiance(height), 1),
    }
