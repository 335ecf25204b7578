# SPDX-License-Identifier: Apache-2.0
"""What `webserver` cannot print a configuration for."""

from bad_input import case, good
from program import convert


def dataset(folder, name="data"):
    convert(good(folder), folder / name)


@case(2, "webserver", "lighttpd", "data")
def unknown_web_server(folder):
    dataset(folder)


@case(2, "webserver", "nginx", "data", "--port", "65536")
def port_that_does_not_exist(folder):
    dataset(folder)


@case(2, "webserver", "nginx", "data", "--bind", "0.0.0.0;")
def address_that_is_none(folder):
    dataset(folder)


@case(2, "webserver", "nginx")
def no_folder_for_a_web_server(folder):
    pass


@case(3, "webserver", "nginx", "data")
def folder_without_datasets(folder):
    (folder / "data/empty").mkdir(parents=True)


@case(3, "webserver", "nginx", "v.nii")
def file_for_a_web_server(folder):
    good(folder)


@case(3, "webserver", "nginx", "http://127.0.0.1/data")
def url_for_a_web_server(folder):
    pass


@case(2, "webserver", "s3", "data", "--port", "80")
def port_of_a_bucket(folder):
    dataset(folder)


@case(2, "webserver", "caddy", "data", "--htaccess")
def form_of_another_web_server(folder):
    dataset(folder)


@case(2, "webserver", "nginx", "da[1]ta")
def folder_that_no_configuration_can_name(folder):
    dataset(folder, "da[1]ta")
