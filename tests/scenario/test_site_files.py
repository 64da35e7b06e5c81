"""What a corosync.conf or a keepalived.conf says becomes the detection of a scenario."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from vmfailover.cli.main import main
from vmfailover.errors import InputError
from vmfailover.failover.detection.token import TokenSettings
from vmfailover.scenario import load
from vmfailover.scenario.site_files import detection_of

MS = 1_000_000
COROSYNC = """# token: 9
totem {
  version: 2
  #token: 7000
  token: 1000
  interface { ringnumber: 0 }
  join: 60
}
nodelist {
  node { ring0_addr: a }
  node {
    ring0_addr: b
  }
  node {
    ring0_addr: c
  }
}
"""
COROSYNC = COROSYNC.replace("  node { ring0_addr: a }\n", "  node {\n    ring0_addr: a\n  }\n")
KEEPALIVED = """vrrp_instance VI_1 {
    state BACKUP
    priority 100
    advert_int 0.5
    virtual_ipaddress { 10.0.0.1 }
}
"""


def said(tmp_path: Path, text: str) -> str:
    path = tmp_path / "site.conf"
    path.write_text(text)
    return detection_of(path)


def test_a_corosync_conf(tmp_path: Path) -> None:
    found = said(tmp_path, COROSYNC)
    assert found == "{preset: corosync-3, token: {members: 3, token: 1 s, join: 60 ms}}"
    assert said(tmp_path, "totem {\n}\n") == "{preset: corosync-3}"


def test_a_keepalived_conf(tmp_path: Path) -> None:
    assert said(tmp_path, KEEPALIVED) == "{preset: keepalived, interval: 500 ms, timeout: 1804687500 ns}"
    assert said(tmp_path, "vrrp_instance a {\n}") == "{preset: keepalived, interval: 1 s, timeout: 3609375 us}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "has neither 'totem"),
        ("totem {\n token: 5\n", "has no closing brace"),
        ("totem {\n token: soon\n}", "token: 'soon' is not a whole number"),
        ("vrrp_instance a {\n priority 300\n}", "priority: 300 is not from 1 to 255"),
        ("vrrp_instance a {\n advert_int x\n}", "'x s'"),
    ],
)
def test_what_it_cannot_be_is_said(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        said(tmp_path, text)


def test_a_file_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        detection_of(tmp_path / "none.conf")


def test_init_begins_with_it(tmp_path: Path) -> None:
    (tmp_path / "corosync.conf").write_text(COROSYNC)
    path = tmp_path / "first.yaml"
    result = CliRunner().invoke(main, ["init", str(path), "--from", str(tmp_path / "corosync.conf")])
    assert result.exit_code == 0
    scenario = load(path)
    token = TokenSettings.of(scenario.detection).token
    assert (token.timeout_ns, token.consensus_ns, scenario.extend) == (1650 * MS, 1980 * MS, "until-takeover")
