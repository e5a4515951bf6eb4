"""Where the sun stands, and what it gives under a clear sky; good to half a degree, no better."""

from datetime import datetime
from math import asin, cos, degrees, exp, pi, radians, sin

_AXIAL_TILT = radians(23.44)


def elevation(latitude: float, longitude: float, at: datetime) -> float:
    """Degrees above the horizon, negative at night; `at` is in UTC."""
    hours = at.hour + at.minute / 60 + at.second / 3600
    season = 2 * pi * (at.timetuple().tm_yday - 1 + (hours - 12) / 24) / 365
    # The days since the winter solstice, about ten before New Year, give the declination.
    declination = -_AXIAL_TILT * cos(season + 2 * pi * 10 / 365)
    around = season - 2 * pi * 80 / 365
    equation_of_time = 9.87 * sin(2 * around) - 7.53 * cos(around) - 1.5 * sin(around)  # minutes
    hour_angle = radians(15 * (hours - 12 + equation_of_time / 60) + longitude)
    north = radians(latitude)
    return degrees(asin(sin(north) * sin(declination) + cos(north) * cos(declination) * cos(hour_angle)))


def clear_sky_irradiance(elevation_degrees: float) -> float:
    """Watts per square metre on level ground, after Haurwitz."""
    height = sin(radians(elevation_degrees))
    return 1098 * height * exp(-0.057 / height) if height > 0 else 0.0
