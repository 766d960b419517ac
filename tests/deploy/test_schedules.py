"""The examples of deploy/: what they name exists, and what they start does what they say."""

import configparser
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.cli import build_parser
from pipeline.dataflow_template import convert_parameters
from sample.server import SampleSite
from schemas import RECORDS

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
UNITS: Final = DEPLOY / "systemd"
CLOUD: Final = DEPLOY / "cloud_scheduler"
PROGRAM: Final = "/opt/newsbeam/bin/newsbeam"
FEEDS: Final = "/etc/newsbeam/feeds.opml"
ARTICLES: Final = 3
ENVIRONMENT: Final = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}


class GatedSite(SampleSite):
    """The sample site, which answers for pages only while ``gate`` is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.asked = threading.Event()

    def find(self, path: str) -> Path | None:
        if not Path(path).suffix:
            self.asked.set()
            self.gate.wait()
        return super().find(path)


@pytest.fixture
def site() -> Iterator[GatedSite]:
    served = GatedSite()
    with served:
        yield served
        served.gate.set()


class Installed:
    """Newsbeam as the examples expect it, but in a folder of the test."""

    def __init__(self, folder: Path, site: SampleSite) -> None:
        self.output = folder / "newsbeam"
        self.output.mkdir()
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []
        self._feeds = folder / "feeds.txt"
        self._feeds.write_text(f"{site.base}/tagesblick/rss091.xml\n", encoding="utf-8")
        self._program = folder / "program"
        # Without GRPC_VERBOSITY, gRPC may log a race at its own shutdown on a busy machine.
        settings = [f"PYTHONPATH={ROOT}", "GRPC_VERBOSITY=NONE"]
        python = shlex.join(["env", *settings, sys.executable, "-m", "pipeline"])
        local = "--allow_private_networks 127.0.0.1/32 --host_delays 127.0.0.1=0"
        self._program.write_text(
            f'#!/bin/sh\nexec {python} "$@" {local} --fetch_timeout_sec 120 $MORE_FLAGS\n',
            encoding="utf-8",
        )
        self._program.chmod(0o755)

    def start(self, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            command,
            env=ENVIRONMENT | environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A background job may have it ignored, which is inherited; systemd resets it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kill what a test that failed has left running."""
        for process in self._started:
            with process:
                process.kill()

    def start_cron(self, more_flags: str = "") -> "subprocess.Popen[str]":
        """The crontab's command, as cron starts it."""
        variables, _, command = crontab()
        variables["NEWSBEAM"] = str(self._program)
        variables["FEEDS"] = str(self._feeds)
        variables["OUTPUT"] = str(self.output)
        return self.start(["/bin/sh", "-c", command], variables | {"MORE_FLAGS": more_flags})

    def start_unit(self, name: str) -> "subprocess.Popen[str]":
        """A unit's command, without what systemd puts around it."""
        known = {PROGRAM: str(self._program), FEEDS: str(self._feeds)}
        words = (known.get(word, word) for word in exec_start(name))
        return self.start([word.replace("%S", str(self._folder)) for word in words], {})

    def runs(self) -> list[dict[str, Any]]:
        """The summaries of the runs that are visible."""
        files = sorted(self.output.glob("runs/*/summary.json"))
        assert len(files) == len(list(self.output.glob("runs/*")))
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def check(self) -> None:
        """Every article is there, and every record once."""
        for record in RECORDS:
            files = sorted(self.output.glob(f"runs/*/jsonl/{record.TABLE}/**/*.jsonl"))
            lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
            ids = [json.loads(line)[record.KEY] for line in lines]
            assert len(set(ids)) == len(ids), record.TABLE
            assert record.TABLE != "articles" or len(ids) == ARTICLES
        assert all(run["adds_up"] for run in self.runs())
        assert [path.name for path in (self.output / ".staging").iterdir()] == ["lock"]


@pytest.fixture
def installed(tmp_path: Path, site: GatedSite) -> Iterator[Installed]:
    program = Installed(tmp_path, site)
    yield program
    program.end()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code and output of a command that has left no process behind.

    Its children have its output, too, which ends with the last of them.
    """
    process.wait(timeout=120)
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def crontab() -> tuple[dict[str, str], list[str], str]:
    """The variables, the five fields and the command of the crontab."""
    variables: dict[str, str] = {}
    jobs: list[str] = []
    for line in (DEPLOY / "cron" / "newsbeam.crontab").read_text(encoding="utf-8").splitlines():
        assigned = re.fullmatch(r"([A-Z]+)=(.*)", line)
        if assigned:
            variables[assigned[1]] = assigned[2]
        elif line and not line.startswith("#"):
            jobs.append(line)
    (job,) = jobs
    *fields, command = job.split(maxsplit=5)
    return variables, fields, command


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name, encoding="utf-8")
    return parser


def exec_start(name: str) -> list[str]:
    return shlex.split(unit(name)["Service"]["ExecStart"])


def ingest_of_cron() -> list[str]:
    command = crontab()[2]
    found = re.search(r"ingest .*?(?= 2>&1)", command)
    assert found
    return shlex.split(found[0])


def launch() -> dict[str, Any]:
    body: dict[str, Any] = json.loads((CLOUD / "launch.json").read_text(encoding="utf-8"))
    return body


def as_flags(parameters: dict[str, str]) -> list[str]:
    """The parameters of a template as its program gets them."""
    return [f"--{name}={value}" for name, value in parameters.items()]


@pytest.mark.parametrize(
    "words",
    [
        ingest_of_cron(),
        exec_start("newsbeam.service")[1:],
        exec_start("newsbeam-loop.service")[1:],
        ["ingest", *convert_parameters(as_flags(launch()["launchParameter"]["parameters"]))],
    ],
    ids=["cron", "service", "loop", "launch"],
)
def test_every_flag_is_one_of_ingest(words: list[str]) -> None:
    args, unknown = build_parser().parse_known_args(words)
    assert unknown == []
    assert args.feeds and args.output
    assert args.wait_for_run_sec == (3600 if args.poll_interval_sec else 0)


@pytest.mark.parametrize(
    "page", ["README.md", "cron/newsbeam.crontab", "cloud_scheduler/README.md"]
)
def test_every_flag_that_is_spoken_of_exists(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["ingest", "--help"])
    known = set(re.findall(r"--\w+", capsys.readouterr().out))
    text = re.sub(r"\n    .*", "", (DEPLOY / page).read_text(encoding="utf-8"))
    assert set(re.findall(r"--\w+", text)) - known == set()


def test_the_crontab_is_variables_and_one_job() -> None:
    variables, fields, command = crontab()
    assert variables.keys() == {"MAILTO", "NEWSBEAM", "FEEDS", "OUTPUT"}
    assert (variables["NEWSBEAM"], variables["FEEDS"]) == (PROGRAM, FEEDS)
    assert fields == ["*/10", "*", "*", "*", "*"]
    assert "%" not in command  # which would be the end of a line to cron


@pytest.mark.deploy
def test_cron_is_silent_about_a_run_that_went_well(site: GatedSite, installed: Installed) -> None:
    site.gate.set()
    assert ended(installed.start_cron()) == (0, "", "")
    installed.check()


@pytest.mark.deploy
def test_of_two_starts_at_once_one_does_it_and_the_other_says_so(
    site: GatedSite, installed: Installed
) -> None:
    both = [installed.start_cron(), installed.start_cron()]
    while all(process.poll() is None for process in both):  # no run can end yet
        time.sleep(0.05)
    both.sort(key=lambda process: process.poll() is None)
    code, said, err = ended(both[0])
    assert (code, err) == (2, "")
    assert re.fullmatch(r"newsbeam: another run is writing to .* \(--wait_for_run_sec\).*\n", said)
    site.gate.set()
    assert ended(both[1]) == (0, "", "")
    assert len(installed.runs()) == 1
    installed.check()


@pytest.mark.deploy
def test_of_two_starts_at_once_one_waits_and_finds_nothing_to_do(
    site: GatedSite, installed: Installed
) -> None:
    both = [installed.start_cron("--wait_for_run_sec 120") for _ in range(2)]
    assert site.asked.wait(60)
    site.gate.set()
    assert [ended(process) for process in both] == [(0, "", "")] * 2
    found = [run["records"]["articles"] for run in installed.runs()]
    assert found == [ARTICLES]  # by then no feed is due, and the second leaves nothing
    installed.check()


@pytest.mark.parametrize("name", ["newsbeam.service", "newsbeam-loop.service"])
def test_services_are_hardened_and_keep_their_state(name: str) -> None:
    service = unit(name)["Service"]
    for key in ("DynamicUser", "NoNewPrivileges", "PrivateTmp"):
        assert service[key] == "yes"
    assert service["User"] == service["StateDirectory"] == "newsbeam"
    assert service["ProtectSystem"] == "strict"
    assert service["KillMode"] == "mixed"
    assert {"AF_INET", "AF_INET6"} <= set(service["RestrictAddressFamilies"].split())
    assert re.fullmatch(r"\d+G", service["MemoryMax"])
    command = exec_start(name)
    assert command[0] == PROGRAM
    assert command[command.index("--output") + 1] == "%S/newsbeam"
    wants = unit(name)["Unit"]
    assert wants["Wants"] == "network-online.target"


def test_units_are_what_they_should_be() -> None:
    once, loop, timer = map(unit, ("newsbeam.service", "newsbeam-loop.service", "newsbeam.timer"))
    assert once["Service"]["Type"] == "oneshot"
    assert once["Service"]["KillSignal"] == "SIGINT"
    assert not once.has_section("Install")  # the timer starts it
    assert loop["Unit"]["Conflicts"].split() == ["newsbeam.timer", "newsbeam.service"]
    assert loop["Service"]["KillSignal"] == "SIGTERM"
    assert loop["Service"]["Restart"] == "on-failure"
    assert loop["Service"]["RestartPreventExitStatus"] == "2"
    assert loop["Service"]["SuccessExitStatus"] == "3"
    assert loop["Service"]["TimeoutStopSec"] == "15min"
    assert timer["Timer"].keys() == {"OnCalendar", "RandomizedDelaySec", "Persistent"}
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    for file in UNITS.iterdir():  # with a program that is there
        text = file.read_text(encoding="utf-8").replace(PROGRAM, shutil.which("true") or "")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert [line for line in said.splitlines() if "newsbeam" in line] == []
    assert len(units) == 3


@pytest.mark.deploy
def test_the_service_ends_at_once_on_sigint_and_shows_nothing(
    site: GatedSite, installed: Installed
) -> None:
    process = installed.start_unit("newsbeam.service")
    assert site.asked.wait(60)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert (code, out) == (1, "")
    assert err == "newsbeam: interrupted; the run committed no records\n"
    assert installed.runs() == []
    site.gate.set()
    assert ended(installed.start_unit("newsbeam.service"))[0] == 0
    installed.check()


@pytest.mark.deploy
def test_the_loop_ends_on_sigterm_between_runs(site: GatedSite, installed: Installed) -> None:
    site.gate.set()
    process = installed.start_unit("newsbeam-loop.service")
    assert process.stdout
    assert any(line.startswith("records in") for line in process.stdout)
    process.terminate()
    assert ended(process) == (0, "", "")
    installed.check()


@pytest.mark.deploy
def test_the_loop_ends_the_run_under_way_on_sigterm(site: GatedSite, installed: Installed) -> None:
    process = installed.start_unit("newsbeam-loop.service")
    assert site.asked.wait(60)
    for _ in range(2):  # the second one changes nothing
        process.terminate()
        time.sleep(0.2)
    assert process.poll() is None
    site.gate.set()
    code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert out.count("records in") == len(installed.runs()) == 1
    installed.check()


def test_the_launch_names_a_template_and_its_parameters() -> None:
    (parameter,) = launch().values()
    assert parameter["jobName"] == "newsbeam"
    assert parameter["containerSpecGcsPath"].startswith("gs://BUCKET/")
    assert all(isinstance(value, str) for value in parameter["parameters"].values())


SCHEDULE: Final = CLOUD / "schedule.sh"


def test_the_script_creates_a_job_that_launches_the_template(tmp_path: Path) -> None:
    subprocess.run(["bash", "-n", SCHEDULE], check=True)
    gcloud, called = tmp_path / "gcloud", tmp_path / "called"
    gcloud.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >{shlex.quote(str(called))}\n")
    gcloud.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}"}
    worker, launcher = (f"{name}@news.iam.gserviceaccount.com" for name in ("beam", "clock"))
    given = {"PROJECT": "news", "REGION": "europe-west1", "BUCKET": "b-1"}
    given["WORKER_ACCOUNT"] = worker

    missing = subprocess.run([SCHEDULE], env=given | path, capture_output=True, check=False)
    assert missing.returncode != 0 and b"LAUNCH_ACCOUNT" in missing.stderr
    assert not called.exists()

    given["LAUNCH_ACCOUNT"] = launcher
    subprocess.run([SCHEDULE], env=given | path, cwd="/", check=True)
    *words, end = called.read_text(encoding="utf-8").split("\0")
    command = [word for word in words if not word.startswith("--")]
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    assert (command, end) == (["scheduler", "jobs", "create", "http", "newsbeam"], "")
    body = json.loads(flags.pop("message-body"))
    assert flags == {
        "project": "news",
        "location": "europe-west1",
        "schedule": "7 * * * *",
        "time-zone": "Etc/UTC",
        "uri": "https://dataflow.googleapis.com/v1b3/projects/news/locations/europe-west1"
        "/flexTemplates:launch",
        "http-method": "POST",
        "headers": "Content-Type=application/json",
        "max-retry-attempts": "0",
        "oauth-service-account-email": launcher,
        "oauth-token-scope": "https://www.googleapis.com/auth/cloud-platform",
    }
    filled = json.dumps(launch()).replace("BUCKET", "b-1").replace("WORKER_ACCOUNT", worker)
    filled = filled.replace("REGION", "europe-west1")
    assert body == json.loads(filled)
