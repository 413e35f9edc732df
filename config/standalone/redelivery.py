"""Give back at once the messages that killed workers held."""

from typing import Any

from celery import Celery


def give_back_unacknowledged(app: Celery) -> int:
    """Put every unacknowledged message back on its queue; return how many. Only while no worker lives.

    Redis and Valkey keep a message aside until its worker acknowledges it, and hand it out again after
    `visibility_timeout`, which must be longer than the longest run. After kill -9 of the whole stack that
    would be a day of waiting; the lock on the data folder says that nobody is working on them.
    """
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.visibility_timeout = 0
        # A worker that was killed while it restored messages still holds this mutex.
        channel.client.delete(channel.unacked_mutex_key)
        waiting = channel.client.zcard(channel.unacked_index_key)
        channel.qos.restore_visible(num=None, interval=1)
        return int(waiting)
