"""Text messages: what one is and how its status may move. Sending and receiving come through the platforms' doors.

SQL is reached only through the store, which is handed in.
"""
