from django.urls import path

from review import study_views, views

urlpatterns = [
    path("projects/<slug:slug>/review/", views.review_list, name="review-list"),
    path("review/<int:pk>/", views.review, name="review"),
    path("review/<int:pk>/report.pdf", views.report, name="review-report"),
    path("review/<int:pk>/numbers.csv", views.report_csv, name="review-csv"),
    path("review/<int:pk>/strips.png", views.strips, name="review-strips"),
    path("projects/<slug:slug>/studies/", study_views.study_list, name="study-list"),
    path("studies/<int:pk>/", study_views.study, name="study"),
    path("studies/<int:pk>/close/", study_views.close, name="study-close"),
    path("studies/<int:pk>/answers.csv", study_views.answers, name="study-answers"),
    path("studies/fields/<str:code>.jpg", study_views.picture, name="study-picture"),
]
