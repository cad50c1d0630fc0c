from django.urls import path, re_path

from realtime.dashboards.views import answers, boards, demo, entrance, one_tap, patient, waiting, words

urlpatterns = [
    path("", entrance.landing, name="landing"),
    path("favicon.ico", entrance.favicon, name="favicon"),
    path("login/", entrance.login, name="login"),
    path("logout/", entrance.logout, name="logout"),
    path("language/", entrance.choose_language, name="choose_language"),
    path("timezone/", entrance.time_zone, name="time_zone"),
    path("demo/enter/", entrance.enter_demo, name="enter_demo"),
    path("demo/", demo.side_by_side, name="demo"),
    path("demo/pane/<slug:username>/", demo.pane, name="pane"),
    path("demo/shorten/<int:pk>/", demo.shorten, name="shorten"),
    path("operator/", boards.operator, name="operator"),
    path("therapist/", boards.therapist, name="therapist"),
    re_path(r"^provider-dashboard/?$", boards.therapist),
    path("patient/", patient.appointments, name="patient"),
    re_path(r"^patient-dashboard/?$", patient.appointments),
    path("patient/<int:pk>/reschedule/", patient.reschedule, name="reschedule"),
    path("patient/<int:pk>/cancel/", patient.cancel, name="cancel"),
    path("patient/waiting/join/", waiting.join, name="join_waiting_list"),
    path("patient/waiting/<int:pk>/<slug:word>/", waiting.answer, name="waiting"),
    path("patient/read/", patient.read_all, name="read_all"),
    re_path(r"^schedule/?$", patient.schedule, name="schedule"),
    path("appointments/<int:pk>/accept", answers.accept, name="accept"),
    path("appointments/<int:pk>/reject", answers.reject, name="reject"),
    re_path(r"^answer/(?P<token>[\w:.-]+)/(?P<answer>accept|reject)/$", one_tap.one_tap, name="one_tap"),
    re_path(r"^words/(?P<language>[a-z]{2})\.js$", words.catalog, name="words"),
]
