"""The files of deploy/ agree with the code and with each other: processes, settings, metrics, alerts, commands."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import bootstrap
import pytest
import yaml
from django.conf import settings as project
from django.core.management import get_commands, load_command_class
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings
from supervisor import parse_procfile

from core.metrics import registry
from core.web.measures import own_registry
from tests.core.test_settings import DOCUMENTED

pytestmark = pytest.mark.once

ROOT = Path(project.BASE_DIR)
DEPLOY = ROOT / "deploy"
HANDBOOK = (DEPLOY / "HANDBOOK.md").read_text()
PROCESSES = parse_procfile((ROOT / "Procfile").read_text())
# Sockets are apart from HTTP in production.
PRODUCTION = {*PROCESSES, "sockets"}
MANIFESTS = [
    manifest
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
]
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text())
RULES = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "monitoring" / "grafana-dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [t["expr"] for p in DASHBOARD["panels"] for t in p["targets"]]


def of_kind(kind: str) -> dict[str, Any]:
    return {manifest["metadata"]["name"]: manifest for manifest in MANIFESTS if manifest["kind"] == kind}


def pods() -> list[tuple[str, dict[str, Any]]]:
    """The pod template of everything that runs on Kubernetes."""
    found = [(name, each["spec"]["template"]) for kind in ("Deployment", "Job") for name, each in of_kind(kind).items()]
    jobs = of_kind("CronJob").items()
    return found + [(name, job["spec"]["jobTemplate"]["spec"]["template"]) for name, job in jobs]


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "systemd" / name)
    return parser


def essence(command: list[str]) -> list[str]:
    """A command without what differs from place to place: the interpreter's path, hosts, ports, concurrency."""
    words = [word for word in command if not word.endswith(("python", "/env")) and word != "env"]
    words = [word.replace("%%h", "%h") for word in words if "=" not in word]
    drop = {"--host", "--port", "--concurrency"}
    return [word for place, word in enumerate(words) if word not in drop and words[max(0, place - 1)] not in drop]


def command_in(place: str, name: str) -> list[str]:
    if place == "compose":
        return shlex.split(COMPOSE["services"][name].get("command", ""))
    if place == "kubernetes":
        return list(of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"][0].get("args", []))
    return shlex.split(unit(f"appointments-{name}.service")["Service"]["ExecStart"])


@pytest.mark.parametrize("place", ["compose", "kubernetes", "systemd"])
@pytest.mark.parametrize("name", sorted(PRODUCTION - {"web", "sockets"}))
def test_every_process_runs_everywhere_as_in_the_procfile(place: str, name: str) -> None:
    assert essence(command_in(place, name)) == essence(shlex.split(PROCESSES[name]))


@pytest.mark.parametrize("place", ["compose", "kubernetes", "systemd"])
def test_in_production_http_is_gunicorn_s_and_sockets_are_uvicorn_s(place: str) -> None:
    http = command_in(place, "web") or shlex.split(json.dumps(dockerfile_command()).strip("[]").replace(",", ""))
    assert [Path(word).name for word in http] == ["gunicorn", "core.wsgi", "--config", "gunicorn.conf.py"]
    demo = essence(shlex.split(PROCESSES["web"]))
    assert essence(command_in(place, "sockets")) == [word.replace(":application", ":sockets") for word in demo]


def dockerfile_command() -> list[str]:
    found = re.findall(r"^CMD (\[.*\])$", (DEPLOY / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    return list(json.loads(found[-1]))


@pytest.mark.parametrize("place", ["compose", "kubernetes", "systemd"])
def test_the_worker_of_the_deadlines_knows_that_it_is_the_one(place: str) -> None:
    container = of_kind("Deployment")["worker-deadlines"]["spec"]["template"]["spec"]["containers"][0]
    said = {
        "compose": COMPOSE["services"]["worker-deadlines"]["environment"].get("DEADLINES_WORKER"),
        "kubernetes": {each["name"]: each["value"] for each in container["env"]}.get("DEADLINES_WORKER"),
        "systemd": (DEPLOY / "systemd" / "appointments-worker-deadlines.service")
        .read_text()
        .count("DEADLINES_WORKER=true")
        and "true",
    }
    assert said[place] == "true"


def test_only_settings_that_exist_are_given() -> None:
    others = {"PUBLIC_HOSTS", "POD_IP", "BIND", "WEB_WORKERS", "FLOWER_ADDRESS"}
    given = {*of_kind("ConfigMap")["appointments"]["data"], *of_kind("Secret")["appointments"]["stringData"]}
    for _, template in pods():
        given |= {each["name"] for each in template["spec"]["containers"][0].get("env", [])}
    for service in COMPOSE["services"].values():
        if service.get("image", "").startswith("appointments"):
            given |= set(service["environment"])
    assert given - others <= set(DOCUMENTED)


@pytest.mark.parametrize(("name", "template"), pods(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_pod_runs_as_root_writes_its_image_or_has_no_limits(name: str, template: dict[str, Any]) -> None:
    spec, (container,) = template["spec"], template["spec"]["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["cpu"]
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in spec["volumes"]}


def test_probes_and_prometheus_may_ask_the_containers_by_their_names(db: None, settings: Settings) -> None:
    allowed = COMPOSE["services"]["web"]["environment"]["ALLOWED_HOSTS"].split(",")
    settings.ALLOWED_HOSTS = ["clinic.example", *allowed[1:]]
    scraped = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yaml").read_text())["scrape_configs"][0]
    healthcheck = re.findall(r"http://(.+?)/healthz", (DEPLOY / "docker" / "Dockerfile").read_text())
    for host in (*scraped["static_configs"][0]["targets"], *healthcheck):
        assert Client().get("/healthz", headers={"host": host}).status_code == 200
    assert Client().get("/healthz", headers={"host": "elsewhere.example"}).status_code == 400


@pytest.mark.parametrize("name", ["web", "sockets"])
def test_probes_of_http_ask_the_process_and_the_database_alone(db: None, name: str) -> None:
    container = of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"][0]
    paths = {
        probe: container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe", "startupProbe")
    }
    assert paths["livenessProbe"] == paths["startupProbe"] == "/healthz"
    assert paths["readinessProbe"] == "/readyz?parts=database"
    assert [Client().get(path).status_code for path in paths.values()] == [200] * 3


def health_of(place: str, name: str) -> list[str]:
    """The command that asks a process which serves no HTTP how it is."""
    if place == "compose":
        kind, *words = COMPOSE["services"][name]["healthcheck"]["test"]
        words = [word.replace("$$", "$") for word in words]
        return ["sh", "-c", *words] if kind == "CMD-SHELL" else words
    container = of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"][0]
    return list(container["livenessProbe"]["exec"]["command"])


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
@pytest.mark.parametrize(("name", "queue"), [("worker", "worker"), ("worker-deadlines", "deadlines")])
def test_workers_are_asked_whether_they_answer_in_a_way_that_a_dead_broker_does_not_fail(
    place: str, name: str, queue: str
) -> None:
    assert health_of(place, name) == ["sh", "-c", f"python manage.py ping_worker {queue}@$HOSTNAME"]


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
@pytest.mark.parametrize("name", ["relay", "beat"])
def test_relay_and_beat_are_alive_while_their_file_is_young(place: str, name: str, tmp_path: Path) -> None:
    asked = [word.replace("/tmp/alive", str(tmp_path / "alive")) for word in health_of(place, name)]

    def alive() -> bool:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    assert not alive()
    (tmp_path / "alive").touch()
    assert alive()
    long_ago = time.time() - 180
    os.utime(tmp_path / "alive", (long_ago, long_ago))
    assert not alive()
    touched = {
        "compose": COMPOSE["services"][name]["environment"]["LIVENESS_FILE"],
        "kubernetes": of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"],
    }
    assert touched[place] == "/tmp/alive"


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
def test_flower_is_asked_whether_it_listens(place: str) -> None:
    words = [word.replace("5555", str(bootstrap.free_port())) for word in health_of(place, "flower")]
    assert [words[0], "5555" in health_of(place, "flower")[-1]] == ["python", True]
    refused = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    assert "ConnectionRefusedError" in refused.stderr


def test_one_beat_runs_and_is_never_doubled_by_a_roll_out() -> None:
    spec = of_kind("Deployment")["beat"]["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_what_must_not_all_go_at_once_has_a_budget_and_several_pods() -> None:
    budgets = of_kind("PodDisruptionBudget")
    assert set(budgets) == {"web", "sockets", "relay", "worker", "worker-deadlines"}
    for name, budget in budgets.items():
        labels = of_kind("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert of_kind("Deployment")[name]["spec"]["replicas"] > budget["spec"]["minAvailable"]


def test_services_scalers_and_the_ingress_point_at_what_exists() -> None:
    deployments = of_kind("Deployment")
    assert set(of_kind("Service")) == {"web", "sockets"}
    for name, service in of_kind("Service").items():
        assert (
            service["spec"]["selector"].items() <= deployments[name]["spec"]["template"]["metadata"]["labels"].items()
        )
    for scaler in (*of_kind("HorizontalPodAutoscaler").values(), *of_kind("ScaledObject").values()):
        assert scaler["spec"]["scaleTargetRef"]["name"] in deployments
    paths = of_kind("Ingress")["appointments"]["spec"]["rules"][0]["http"]["paths"]
    assert [(path["path"], path["backend"]["service"]["name"]) for path in paths] == [("/ws/", "sockets"), ("/", "web")]
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    here = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    assert set(listed) == here - {"kustomization.yaml", "secret.example.yaml"}


def test_the_scaler_watches_queues_that_the_worker_takes_from() -> None:
    triggers = of_kind("ScaledObject")["worker"]["spec"]["triggers"]
    words = command_in("kubernetes", "worker")
    assert {each["metadata"]["listName"] for each in triggers} == set(words[words.index("--queues") + 1].split(","))


def test_compose_waits_for_the_migration_and_hardens_each_process() -> None:
    for name in PRODUCTION:
        service = COMPOSE["services"][name]
        assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_a_unit_starts_again_always_and_writes_only_its_data() -> None:
    for name in PRODUCTION:
        service = unit(f"appointments-{name}.service")["Service"]
        assert (service["Restart"], service["User"], service["ProtectSystem"]) == ("always", "appointments", "strict")
        assert f"appointments-{name}.service" in unit("appointments.target")["Unit"]["Wants"]


def test_the_image_runs_as_somebody_and_says_how_it_is() -> None:
    lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(place for place, line in enumerate(lines) if line.startswith("FROM")) :]
    assert any(line.startswith("USER 10001") for line in last_stage)
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {path.split("/")[0] for copied in copies for path in copied} == allowed


def exported() -> set[str]:
    """Every name that /metrics can show, samples of histograms included."""
    names = set()
    for each in (registry, own_registry):
        for collector in list(each._collector_to_names):
            describe = getattr(collector, "describe", collector.collect)
            for family in describe():
                names |= {family.name + end for end in ("", "_bucket", "_count", "_sum", "_created")}
    return names


def test_alerts_and_dashboard_ask_for_metrics_that_exist(db: None) -> None:
    asked = {name for expression in EXPRESSIONS for name in re.findall(r"appointments_\w+", expression)}
    assert asked
    assert asked <= exported()
    shown = {family.name for family in text_string_to_metric_families(Client().get("/metrics").content.decode())}
    assert shown <= exported()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_its_runbook(rule: dict[str, Any]) -> None:
    assert re.search(rf"^### {rule['alert']}\n\S", HANDBOOK, re.MULTILINE)
    assert rule["annotations"]["runbook"] == f"deploy/HANDBOOK.md#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_runbook_is_of_an_alert() -> None:
    chapter = HANDBOOK.split("## Every alert")[1].split("\n## ")[0]
    told = set(re.findall(r"^### (\w+)$", chapter, re.MULTILINE))
    assert told == {rule["alert"] for rule in RULES}


def commands_of(text: str) -> list[list[str]]:
    """Every `./manage.py …` and `./deploy/…` that a text tells people to run, each with its words."""
    found = re.findall(r"\./(?:manage\.py|deploy/\w+)(?: +[\w\-./=@']+)*", text.replace("\\\n", " "))
    return [shlex.split(command) for command in dict.fromkeys(found)]


@pytest.mark.parametrize("words", commands_of(HANDBOOK), ids=" ".join)
def test_every_command_of_the_handbook_exists_and_takes_its_options(words: list[str]) -> None:
    program, *rest = words
    assert (ROOT / program).stat().st_mode & 0o100, f"{program} cannot be executed"
    if program == "./manage.py":
        name, *options = rest
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        parser.parse_args([word for word in options if word != "NAME"] + ["NAME"] * options.count("NAME"))
    else:
        told = subprocess.run([str(ROOT / program), "--help"], capture_output=True, text=True, check=True).stdout
        assert all(option in told for option in rest if option.startswith("--"))


# There is no file before something was archived; tests/core/test_archive.py brings one back.
NOT_RUN = {"loaddata"}
# One process for all, for each costs seconds to begin.
ONE_BY_ONE = """
import json, sys
from django.core.management import execute_from_command_line
for words in json.loads(sys.argv[1]):
    print("running", *words, flush=True)
    execute_from_command_line(["manage.py", *words])
"""


def test_every_management_command_of_the_handbook_runs_one_after_the_other(tmp_path: Path) -> None:
    """As in production, on a new SQLite database, with no other process; those of deploy/ have tests of their own."""
    env = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "DATA_DIR": str(tmp_path),
        "DJANGO_SECRET_KEY": "k" * 40 + "0123456789abc",
        "CACHE_URL": "redis://127.0.0.1:9/2",
        "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
        **{f"DJANGO_SUPERUSER_{name}": value for name, value in (("USERNAME", "NAME"), ("PASSWORD", "a-long-secret"))},
        "DJANGO_SUPERUSER_EMAIL": "name@clinic.example",
    }
    night, install, rest = HANDBOOK.partition("## Install")
    told = commands_of(install + rest + night)
    wanted = [words for program, *words in told if program == "./manage.py" and words[0] not in NOT_RUN]
    asked = [[*words, "--noinput"] if words == ["createsuperuser"] else words for words in wanted]  # else it asks
    command = [sys.executable, "-c", ONE_BY_ONE, json.dumps(asked)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert {"migrate", "audit", "send_reminders", "enrol_second_factor", "ping_worker"} <= {each[0] for each in asked}


def test_cron_lines_name_commands_that_exist() -> None:
    lines = (DEPLOY / "cron" / "appointments").read_text()
    for words in commands_of(lines):
        assert words[0] != "./manage.py" or words[1] in get_commands()
    schedules = [line.split()[:5] for line in lines.splitlines() if line[:1] in "*0123456789"]
    assert len(schedules) == 5
    assert all(re.fullmatch(r"[\d*/]+", field) for fields in schedules for field in fields)


def test_the_batch_file_is_windows_own() -> None:
    raw = (DEPLOY / "cron" / "check_missed_meetings.bat").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n")
    assert b"manage.py check_missed_meetings %*" in raw
    assert "check_missed_meetings" in get_commands()


def test_nginx_sends_sockets_apart_and_logs_no_query() -> None:
    text = (DEPLOY / "nginx" / "appointments.conf").read_text()
    assert re.search(r"location /ws/ \{\s+proxy_pass http://appointments_sockets", text)
    log = re.search(r"log_format appointments '(.*)'", text)
    assert log
    assert not {"$request", "$args", "$request_uri", "$http_referer"} & set(
        log[1].replace("]", " ").replace("[", " ").split()
    )
    assert text.count("{") == text.count("}")
    assert 'proxy_set_header Forwarded ""' in text


def test_the_alerts_own_tests_speak_of_every_alert() -> None:
    told = yaml.safe_load((DEPLOY / "monitoring" / "alerts_test.yaml").read_text())["tests"]
    quiet = {each["alertname"] for each in told[-1]["alert_rule_test"]}
    assert quiet == {rule["alert"] for rule in RULES}
