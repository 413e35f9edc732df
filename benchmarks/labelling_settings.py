"""The site's settings, with one more address: what a label costs without the label."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.labelling_urls"
