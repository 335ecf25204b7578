# SPDX-License-Identifier: Apache-2.0
"""The upload that `ngforge webserver s3` prints, by the real aws program into a service that speaks S3, read back over HTTP."""

import gzip
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import cloudvolume
import numpy as np
import pytest
from test_web_servers import ODD, make_datasets

import web_servers
from environment import programs_in
from program import ROOT, TIMEOUT_S, run
from web_servers import stored

BUCKET = "brains"


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """An empty bucket: the service's URL, and the environment in which aws finds it."""
    programs = programs_in(ROOT / "build/s3", ROOT / "tests/s3-requirements.txt", "aws")
    port = web_servers.free_port()
    with web_servers.started(f"{programs / 'moto_server'} -H 127.0.0.1 -p {port}", port, tmp_path_factory.mktemp("s3")) as url:
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "x",
                       "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "HOME": "/nonexistent"}
        subprocess.run(["aws", "s3", "mb", f"s3://{BUCKET}"], env=environment, check=True, stdout=subprocess.DEVNULL)
        yield url, environment


@pytest.fixture(scope="module")
def uploaded(s3, tmp_path_factory):
    """The datasets, and the URL of the folder in the bucket to which the printed script has put them."""
    url, environment = s3
    root = tmp_path_factory.mktemp("datasets")
    data = make_datasets(root)
    for name in "flat", "plain":  # each run of aws takes a second
        shutil.rmtree(data / name)
    done = run("webserver", "s3", data)
    assert done.status == 0, done.err
    (root / "upload.sh").write_text(done.out)
    command = re.search(r"^#   (sh upload.sh) BUCKET", done.out, re.M)[1]
    sent = subprocess.run([*command.split(), BUCKET, "public/"], cwd=root, env=environment, capture_output=True, text=True,
                          timeout=TIMEOUT_S)
    assert sent.returncode == 0 and sent.stderr == "", sent.stderr
    return data, f"{url}/{BUCKET}/public"


@pytest.fixture(scope="module")
def readable(uploaded, s3):
    """The same for readers that use HEAD: this service asks for an action then that S3 does not have."""
    policy = json.loads(get(s3, "bucket-policy")["Policy"])
    policy["Statement"][0]["Action"] = ["s3:GetObject", "s3:HeadObject"]
    subprocess.run(["aws", "s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", json.dumps(policy)], env=s3[1], check=True)
    return uploaded


def get(s3, what):
    done = subprocess.run(["aws", "s3api", f"get-{what}", "--bucket", BUCKET], env=s3[1], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def ask(url, method="GET", **headers):
    request = urllib.request.Request(url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer, answer.read()


def test_every_file(uploaded):
    data, url = uploaded
    seen = 0
    for dataset in sorted(data.iterdir()):
        for key, expected in stored(dataset).items():
            answer, body = ask(f"{url}/{urllib.parse.quote(f'{dataset.name}/{key}')}")
            packed = answer.headers["Content-Encoding"] == "gzip"
            assert (gzip.decompress(body) if packed else body) == expected, (dataset.name, key)
            assert packed == (not any((dataset / name).exists() for name in other_spellings(key))), (dataset.name, key)
            seen += 1
    assert seen > 60


def other_spellings(key):
    folder, _, name = key.rpartition("/")
    return key, f"{folder}/{name.replace('_', '/')}", key.removesuffix(":0"), key.removesuffix(":0") + ".json"


def test_nothing_else(uploaded, s3):
    data, _ = uploaded
    listed = subprocess.run(["aws", "s3api", "list-objects-v2", "--bucket", BUCKET, "--query", "Contents[].Key"], env=s3[1],
                            check=True, capture_output=True, text=True)
    expected = {f"public/{dataset.name}/{key}" for dataset in data.iterdir() for key in stored(dataset)}
    assert set(json.loads(listed.stdout)) == expected


def test_headers(uploaded):
    data, url = uploaded
    answer, _ = ask(f"{url}/sharded/info", origin="http://viewer.example")
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "http://viewer.example")
    shard = next((data / "sharded").rglob("*.shard"))
    answer, body = ask(f"{url}/{shard.relative_to(data)}", range="bytes=5-20", accept_encoding="gzip")
    assert answer.status == 206 and body == shard.read_bytes()[5:21] and answer.headers["Content-Encoding"] is None


def test_settings_of_the_bucket(uploaded, s3):
    (rule,) = get(s3, "bucket-cors")["CORSRules"]
    assert rule["AllowedOrigins"] == ["*"] and rule["AllowedMethods"] == ["GET", "HEAD"]
    (statement,) = json.loads(get(s3, "bucket-policy")["Policy"])["Statement"]
    assert statement["Action"] == "s3:GetObject" and statement["Principal"] == "*"
    assert statement["Resource"] == f"arn:aws:s3:::{BUCKET}/public/*"
    assert get(s3, "public-access-block")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False


@pytest.mark.parametrize("name", ["sharded", "deep", ODD])
def test_readers(readable, name):
    data, url = readable
    here = cloudvolume.CloudVolume(f"precomputed://file://{data / 'sharded'}", progress=False, fill_missing=True)[:]
    there = cloudvolume.CloudVolume(f"precomputed://{url}/{urllib.parse.quote(name)}", progress=False, fill_missing=True)[:]
    assert np.array_equal(here, there) and here.any()


@pytest.mark.parametrize("name", ["sharded", "deep", "jpeg", ODD])
def test_check_finds_nothing(readable, name):
    done = run("check", f"{readable[1]}/{urllib.parse.quote(name)}", "--json")
    assert done.json == [], done.out
