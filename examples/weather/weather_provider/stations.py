"""The places to read, as they are configured."""

from typing import NamedTuple


class Station(NamedTuple):
    name: str
    latitude: float  # degrees, north is positive
    longitude: float  # degrees, east is positive


def parse_stations(text: str) -> tuple[Station, ...]:
    """Raises ValueError with the part that is no station."""
    return tuple(_parse(part.strip()) for part in text.split(";") if part.strip())


def _parse(part: str) -> Station:
    name, _, place = part.partition("=")
    try:
        latitude, longitude = (float(number) for number in place.split(","))
    except ValueError:
        raise ValueError(f"WEATHER_STATIONS has {part!r}; expected NAME=LATITUDE,LONGITUDE") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"WEATHER_STATIONS has {part!r}, which is no place on Earth")
    return Station(name.strip(), latitude, longitude)
