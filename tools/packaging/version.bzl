"""The version that is installed. Until 1.0 a change of the second number breaks users."""

HAWSER_VERSION = "0.1.0"

HAWSER_SOVERSION = "0.1"
