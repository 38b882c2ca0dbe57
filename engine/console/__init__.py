"""Console room: the command room's pages. Runs in a process of its own, so that it can never slow the webhook.

The API process holds the public port and passes everything that is not its own on to the console
(`forward.py`, which imports nothing of the pages). One console process, so its state needs no sharing.
"""
