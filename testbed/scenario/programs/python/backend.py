"""What the Python programs share: calls to the backends, one kept connection to each for each thread."""

import http.client
import os
import threading

_local = threading.local()


def call(path, token):
    """Calls the delay server and waits for its reply."""
    connection = getattr(_local, "delay", None)
    if connection is None:
        connection = _local.delay = http.client.HTTPConnection(os.environ["DELAY_ADDR"])
    connection.request("GET", f"{path}?id={token}")
    connection.getresponse().read()


def postgres(token):
    """Queries PostgreSQL; the token is in a comment."""
    connection = getattr(_local, "postgres", None)
    if connection is None:
        import psycopg2

        connection = _local.postgres = psycopg2.connect(
            host=os.environ["POSTGRES_HOST"], port=os.environ["POSTGRES_PORT"], user="testbed", dbname="postgres"
        )
        connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM item WHERE id = 7 /* {token} */")
        cursor.fetchall()


def mariadb(token):
    """Queries MariaDB; the token is in a comment."""
    connection = getattr(_local, "mariadb", None)
    if connection is None:
        import pymysql

        connection = _local.mariadb = pymysql.connect(
            host=os.environ["MARIADB_HOST"], port=int(os.environ["MARIADB_PORT"]), user="root", database="testbed"
        )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM item WHERE id = 7 /* {token} */")
        cursor.fetchall()


def redis(token):
    """Counts in Redis; the token ends the key."""
    client = getattr(_local, "redis", None)
    if client is None:
        import redis as library

        client = _local.redis = library.Redis(host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]))
    client.incr(f"hits:{token}")
