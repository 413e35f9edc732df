from tools.install import read_pip_settings, uv_settings

LISTED = """\
global.extra-index-url='file:///srv/simple file:///srv/more'
global.find-links='/srv/old-wheels'
global.cert='/etc/ssl/ca.pem'
:env:.find-links='/srv/wheels /srv/other'
:env:.default-timeout='180'
"""


def test_variables_stand_above_files() -> None:
    assert read_pip_settings(LISTED) == {
        "extra-index-url": "file:///srv/simple file:///srv/more",
        "find-links": "/srv/wheels /srv/other",
        "cert": "/etc/ssl/ca.pem",
        "default-timeout": "180",
    }


def test_pips_settings_reach_uv() -> None:
    assert uv_settings(read_pip_settings(LISTED)) == {
        "UV_NO_CONFIG": "1",
        "UV_INDEX": "file:///srv/simple file:///srv/more",
        "UV_FIND_LINKS": "/srv/wheels,/srv/other",
        "SSL_CERT_FILE": "/etc/ssl/ca.pem",
        "UV_HTTP_TIMEOUT": "180",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_machine_without_pip_settings_needs_none() -> None:
    assert uv_settings(read_pip_settings("")) == {"UV_NO_CONFIG": "1"}
