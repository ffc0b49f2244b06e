"""A Flask application that makes the calls named in CALLS one after the other on the request's thread."""

import os

import flask

import backend

CALLS = os.environ["CALLS"].split()

app = application = flask.Flask(__name__)


@app.get("/work")
def work():
    token = flask.request.args["id"]
    for name in CALLS:
        if name.startswith("/"):
            backend.call(name, token)
        else:
            getattr(backend, name)(token)
    return "ok\n"
