"""A Flask application that publishes a persistent message for each request and replies. The token is the message id."""

import os
import threading

import flask
import pika

_local = threading.local()
app = flask.Flask(__name__)


def channel():
    if not hasattr(_local, "channel"):
        parameters = pika.ConnectionParameters(os.environ["RABBITMQ_HOST"], int(os.environ["RABBITMQ_PORT"]), heartbeat=0)
        _local.channel = pika.BlockingConnection(parameters).channel()
        _local.channel.queue_declare("work")
        _local.channel.confirm_delivery()
    return _local.channel


@app.get("/work")
def work():
    token = flask.request.args["id"]
    channel().basic_publish("", "work", b"{}", pika.BasicProperties(message_id=token))
    return "ok\n"
