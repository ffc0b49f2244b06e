"""Takes messages one at a time, makes a call for each and acknowledges it."""

import os
import socket
import threading

import pika

import backend


def handle(channel, method, properties, body):
    backend.call("/b1", properties.message_id)
    channel.basic_ack(method.delivery_tag)


def ready():
    """Opens PORT: the testbed's sign that a service is up."""
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    while True:
        listener.accept()[0].close()


parameters = pika.ConnectionParameters(os.environ["RABBITMQ_HOST"], int(os.environ["RABBITMQ_PORT"]), heartbeat=0)
channel = pika.BlockingConnection(parameters).channel()
channel.queue_declare("work")
channel.basic_qos(prefetch_count=1)
channel.basic_consume("work", handle)
threading.Thread(target=ready, daemon=True).start()
channel.start_consuming()
